export function plainMembers(code: string): string;
