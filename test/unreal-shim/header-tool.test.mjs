import { describe, expect, it } from "vitest";
import { check, generatedHeader, generatedSource, parse } from "./header-tool.mjs";

const header = (body, end = '#include "Thing.generated.h"') => `#pragma once
#include "CoreMinimal.h"
${end}
${body}
`;
const thing = (members) =>
  header(`UCLASS(BlueprintType)
class MOQ_API UThing : public UObject {
  GENERATED_BODY()
public:
${members}
};`);
const read = (source) => check([parse("Thing.h", source)]);

describe("the shim's header tool", () => {
  it("reads classes, properties and functions, comments and line breaks included", () => {
    const { types } = parse(
      "Thing.h",
      thing(`  /** UPROPERTY() in a comment. */
  UPROPERTY(BlueprintReadOnly, Category = "MoQ, and more")
  TArray<TObjectPtr<UThing>> Others = {};
  UFUNCTION(BlueprintCallable, Category = "MoQ")
  bool Send(const TArray<uint8>& Bytes,
            int32 Count = 3);`),
    );
    expect(types).toHaveLength(1);
    expect(types[0]).toMatchObject({ name: "UThing", super: "UObject", bodyLine: 6 });
    expect(types[0].properties).toMatchObject([
      { name: "Others", type: "TArray<TObjectPtr<UThing>>" },
    ]);
    expect(types[0].functions).toMatchObject([
      {
        name: "Send",
        result: "bool",
        parameters: [
          { name: "Bytes", type: "TArray<uint8>" },
          { name: "Count", type: "int32" },
        ],
      },
    ]);
    expect(generatedHeader(parse("Thing.h", thing("")))).toContain("Thing_h_6_GENERATED_BODY");
  });

  it.each([
    [
      "the generated header is not last",
      header(
        "UENUM()\nenum class E : uint8 { A };",
        '#include "Thing.generated.h"\n#include "Other.h"',
      ),
      /last #include/,
    ],
    [
      "a 64-bit unsigned parameter",
      thing('UFUNCTION(BlueprintCallable, Category = "M")\nvoid F(uint64 Id);'),
      /Blueprints lack/,
    ],
    [
      "a standard type as a property",
      thing('UPROPERTY(BlueprintReadOnly, Category = "M")\nstd::string Text;'),
      /Blueprints lack/,
    ],
    [
      "nested containers",
      thing('UPROPERTY(BlueprintReadOnly, Category = "M")\nTArray<TArray<uint8>> All;'),
      /Blueprints lack/,
    ],
    ["no category", thing("UFUNCTION(BlueprintCallable)\nvoid F();"), /Category/],
    [
      "an overloaded function",
      thing("UFUNCTION()\nvoid F();\nUFUNCTION()\nvoid F(int32 A);"),
      /overloaded/,
    ],
    [
      "an event of a plain delegate",
      thing('UPROPERTY(BlueprintAssignable, Category = "M")\nint32 OnThing;'),
      /dynamic multicast/,
    ],
    [
      "a parameter with the name of a property",
      thing("UPROPERTY()\nint32 Count;\nUFUNCTION()\nvoid F(int32 Count);"),
      /shadows the property/,
    ],
    [
      "a context that is no parameter",
      thing(
        'UFUNCTION(BlueprintCallable, Category = "M", meta = (WorldContext = "World"))\nstatic void F(UObject* Other);',
      ),
      /no parameter World/,
    ],
    ["a wrong prefix", thing("").replaceAll("UThing", "Thing"), /prefix/],
    ["no generated body", thing("").replace("GENERATED_BODY()", ""), /GENERATED_BODY/],
    [
      "an enum of another size",
      header("UENUM(BlueprintType)\nenum class E : uint32 { A };"),
      /uint8/,
    ],
    [
      "a delegate that Blueprints cannot have",
      header("DECLARE_DYNAMIC_MULTICAST_DELEGATE_OneParam(FThing, uint32, Id);"),
      /Blueprints lack/,
    ],
  ])("refuses %s", (_, source, message) => {
    expect(() => read(source)).toThrow(message);
  });

  it("refuses a public class that other modules cannot link", () => {
    const source = thing("").replace("MOQ_API ", "");
    expect(() => check([parse("/Moq/Source/Moq/Private/Thing.h", source)])).not.toThrow();
    expect(() => check([parse("/Moq/Source/Moq/Public/Thing.h", source)])).toThrow(/_API/);
  });

  it("writes what reads a configuration, and the names of an enum", () => {
    const settings = `UCLASS(Config = Game, meta = (DisplayName = "Thing"))
class MOQ_API UThing : public UObject {
  GENERATED_BODY()
public:
  UPROPERTY(Config, EditAnywhere, Category = "A", meta = (ClampMin = "0"))
  int32 Limit = 1;
  UPROPERTY(EditAnywhere, Category = "A")
  int32 Other = 1;
};
UENUM(BlueprintType)
enum class EThing : uint8 { First, /** Comment, with a comma. */ Last = 254 };`;
    const file = "/Moq/Source/Moq/Public/Thing.h";
    const written = generatedSource([parse(file, header(settings))], ["/Moq/Source/Moq/Public"]);
    expect(written).toContain('Section.Read(TEXT("Limit"), Limit);');
    expect(written).not.toContain('TEXT("Other")');
    expect(written).toContain('Info.Module = "Moq";');
    expect(written).toContain('{"Limit", "int32", {{"ClampMin", "0"}}}');
    expect(written).toContain('{static_cast<int64>(EThing::Last), "Last"}');
  });
});
