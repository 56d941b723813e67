// A slice of what Puerts generates for a project, written by hand: classes with overloads, out arguments
// and delegates as they really look.
declare module "ue" {
  import { $Nullable, $Ref } from "puerts";

  class Object {
    static Load(path: string): Object;
    GetName(): string;
  }
  class Vector {
    constructor();
    constructor(X: number, Y: number, Z: number);
    X: number;
    Y: number;
    Z: number;
    static StaticStruct(): unknown;
  }
  class Rotator {
    constructor();
    constructor(Pitch: number, Yaw: number, Roll: number);
    Pitch: number;
    Yaw: number;
    Roll: number;
  }
  class HitResult {}
  class Actor extends Object {
    K2_GetActorLocation(): Vector;
    K2_GetActorRotation(): Rotator;
    GetActorScale3D(): Vector;
    K2_SetActorLocationAndRotation(
      NewLocation: Vector,
      NewRotation: Rotator,
      bSweep: boolean,
      SweepHitResult: $Ref<HitResult>,
      bTeleport: boolean,
    ): boolean;
    K2_DestroyActor(): void;
  }
  class Pawn extends Actor {}
  class GameplayStatics extends Object {
    static GetPlayerPawn(
      WorldContextObject: $Nullable<Object>,
      PlayerIndex: number,
    ): $Nullable<Pawn>;
  }
  /** Of the project that `npm run stage-unreal` makes. */
  class MoqGameInstance extends Object {
    RelayUrl: string;
    RelayCertificateHash: string;
    MatchName: string;
    OnFrame: $MulticastDelegate<(DeltaSeconds: number) => void>;
    OnGameEnd: $MulticastDelegate<() => void>;
    SpawnBody(): $Nullable<Actor>;
  }
  class Character extends Actor {
    OnScored: $MulticastDelegate<(Player: string, Points: number) => void>;
    ReceiveTick: (DeltaSeconds: number) => void;
    Rival: $Nullable<Actor>;
  }
  interface $Delegate<T extends (...args: any) => any> {
    Bind(fn: T): void;
    Unbind(): void;
  }
  interface $MulticastDelegate<T extends (...args: any) => any> {
    Add(fn: T): void;
    Remove(fn: T): void;
    Broadcast(...a: Parameters<T>): ReturnType<T>;
    Clear(): void;
  }
}

declare module "puerts" {
  import { Object } from "ue";

  const argv: { getByName(name: string): Object };
  interface $Ref<T> {
    value: T;
  }
  type $Nullable<T> = T | null;
  function $ref<T>(x?: T): $Ref<T>;
}
