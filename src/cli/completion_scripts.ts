/** Scripts for shells, made from the commands' own data. */

import type { Command, Flag } from "./command.ts";

/** What stands after a flag. */
type Value =
  | { readonly type: "none" | "folder" | "file" | "other" }
  | { readonly type: "choice"; readonly words: readonly string[] };

/** What has no command before it: the flags of a node, and `--version`. */
const nodeCommand = "--role";

export function bashScript(commands: readonly Command[]): string {
  const names = wordsOf(commands).join(" ");
  return `# Completes handfast in bash: source <(handfast completions bash)
_handfast() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]}
  local command=\${COMP_WORDS[1]} words=""
  # Bash takes --flag=value for three words.
  if [[ $cur == "=" ]]; then cur=""
  elif [[ $prev == "=" ]]; then prev=\${COMP_WORDS[COMP_CWORD-2]}
  fi
  COMPREPLY=()
  if ((COMP_CWORD == 1)) && [[ $cur != -* ]]; then
    COMPREPLY=($(compgen -W "${names}" -- "$cur"))
    return
  fi
  if [[ $command == -* ]]; then command=${nodeCommand}; fi
  case "$command $prev" in
${commands.flatMap(bashValues).join("\n")}
  esac
  case $command in
    help) words="${names}" ;;
${commands.map(bashFlags).join("\n")}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -F _handfast handfast`;
}

export function zshScript(commands: readonly Command[]): string {
  const described = commands.filter(({ name }) => name !== nodeCommand)
    .map(({ name, summary }) => `    ${quoted(`${name}:${summary.replaceAll(":", "\\:")}`)}`);
  return `#compdef handfast
# Completes handfast in zsh: source <(handfast completions zsh)
_handfast() {
  local -a commands=(
${described.join("\n")}
    'help:a command, and its flags'
  )
  if (( CURRENT == 2 )) && [[ $words[2] != -* ]]; then
    _describe command commands
    return
  fi
  local command=$words[2]
  if [[ $command == -* ]]; then
    command=${nodeCommand}
  else
    shift words
    (( CURRENT-- ))
  fi
  case $command in
    help) _describe command commands ;;
${commands.map(zshArguments).join("\n")}
  esac
}
if [[ $funcstack[1] == _handfast ]]; then _handfast "$@"; else compdef _handfast handfast; fi`;
}

export function fishScript(commands: readonly Command[]): string {
  const names = wordsOf(commands);
  const lines = commands.flatMap((command) => {
    const { name, summary, flags } = command;
    const isNode = name === nodeCommand;
    const when = isNode
      ? `not __fish_seen_subcommand_from ${names.join(" ")}`
      : `__fish_seen_subcommand_from ${name}`;
    const own = isNode
      ? []
      : [`complete -c handfast -n __fish_use_subcommand -a ${name} -d ${quoted(summary)}`];
    const words = choicesOf(command).map((word) =>
      `complete -c handfast -n ${quoted(when)} -a ${word}`
    );
    return [...own, ...words, ...flags.map((flag) => fishFlag(when, flag))];
  });
  return [
    "# Completes handfast in fish: handfast completions fish > ~/.config/fish/completions/handfast.fish",
    "complete -c handfast -f",
    "complete -c handfast -n __fish_use_subcommand -a help -d 'a command, and its flags'",
    `complete -c handfast -n '__fish_seen_subcommand_from help' -a ${quoted(names.join(" "))}`,
    ...lines,
  ].join("\n");
}

function wordsOf(commands: readonly Command[]): string[] {
  return [...commands.map(({ name }) => name).filter((name) => name !== nodeCommand), "help"];
}

/** As `Flag.value` says it: DIR, FILE, or words between bars. */
function valueOf({ value }: Flag): Value {
  if (value === undefined) return { type: "none" };
  if (value === "DIR") return { type: "folder" };
  if (value === "FILE") return { type: "file" };
  if (/^[a-z]+(\|[a-z]+)+$/.test(value)) return { type: "choice", words: value.split("|") };
  return { type: "other" };
}

/** Words that a command takes without a flag: what stands for others is in upper case. */
function choicesOf({ positionals = [] }: Command): string[] {
  return positionals.flatMap((word) => /^[a-z]+(\|[a-z]+)*$/.test(word) ? word.split("|") : []);
}

function takesFile({ positionals = [] }: Command): boolean {
  return positionals.includes("FILE");
}

function bashValues(command: Command): string[] {
  return command.flags.flatMap((flag) => {
    const value = valueOf(flag);
    if (value.type === "none") return [];
    return [`    "${command.name} --${flag.name}") ${bashReply(value)}; return ;;`];
  });
}

function bashReply(value: Value): string {
  switch (value.type) {
    case "folder":
      return 'compopt -o filenames; COMPREPLY=($(compgen -d -- "$cur"))';
    case "file":
      return 'compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur"))';
    case "choice":
      return `COMPREPLY=($(compgen -W "${value.words.join(" ")}" -- "$cur"))`;
    case "other":
    case "none":
      return ":";
    default:
      return value satisfies never;
  }
}

function bashFlags(command: Command): string {
  const { name, flags } = command;
  const words = [...choicesOf(command), ...flags.map((flag) => `--${flag.name}`), "--help"];
  if (name === nodeCommand) words.push("--version");
  const files = takesFile(command)
    ? ' if [[ $cur != -* ]]; then compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return; fi;'
    : "";
  return `    ${name})${files} words="${words.join(" ")}" ;;`;
}

function zshArguments(command: Command): string {
  const { name, flags } = command;
  const escaped = (text: string) => text.replace(/[[\]:\\]/g, "\\$&");
  const specs = flags.map((flag) => {
    const star = flag.repeats === true ? "*" : "";
    const value = valueOf(flag);
    const action = value.type === "folder"
      ? "_files -/"
      : value.type === "file"
      ? "_files"
      : value.type === "choice"
      ? `(${value.words.join(" ")})`
      : " ";
    if (flag.value === undefined) return quoted(`${star}--${flag.name}[${escaped(flag.help)}]`);
    return quoted(
      `${star}--${flag.name}=[${escaped(flag.help)}]:${escaped(flag.value)}:${action}`,
    );
  });
  const choices = choicesOf(command);
  if (choices.length > 0) specs.push(quoted(`1:shell:(${choices.join(" ")})`));
  if (takesFile(command)) specs.push(quoted("1:file:_files"));
  return `    ${name}) _arguments ${[...specs, "'--help[its flags]'"].join(" \\\n      ")} ;;`;
}

function fishFlag(when: string, flag: Flag): string {
  const value = valueOf(flag);
  const common = `complete -c handfast -n ${quoted(when)} -l ${flag.name} -d ${quoted(flag.help)}`;
  switch (value.type) {
    case "none":
      return common;
    case "folder":
      return `${common} -x -a '(__fish_complete_directories)'`;
    case "file":
      return `${common} -r -F`;
    case "choice":
      return `${common} -x -a ${quoted(value.words.join(" "))}`;
    case "other":
      return `${common} -x`;
    default:
      return value satisfies never;
  }
}

/** In single quotes, for every one of these shells. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'"'"'`)}'`;
}
