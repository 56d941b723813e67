export function withZig(env: NodeJS.ProcessEnv): Promise<{ env: NodeJS.ProcessEnv; zig: string }>;
