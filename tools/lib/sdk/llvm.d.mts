/** What an LLVM tool prints. */
export function llvm(name: string, args: string[], env: NodeJS.ProcessEnv): Promise<string>;
export function llvmTool(name: string, env: NodeJS.ProcessEnv): Promise<string>;
