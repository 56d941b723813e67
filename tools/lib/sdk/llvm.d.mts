export function llvmTool(name: string, env: NodeJS.ProcessEnv): Promise<string>;
