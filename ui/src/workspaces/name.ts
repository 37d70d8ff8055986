/** What a workspace is called: its name, else the one of its file. Never nothing. */
export function workspaceName({ name, file }: { name: string; file: string }): string {
  const last = file.split(/[\\/]/).at(-1) ?? "";
  return name.trim() || last.replace(/\.carillon$/i, "") || file;
}
