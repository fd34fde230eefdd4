namespace Deepseek.Cli;

/// <summary>Scripts by which shells complete command lines of the tool: they ask it with the <c>[suggest]</c> directive, and offer files where it knows nothing.</summary>
/// <remarks>The directive takes the line up to the cursor, and its length in characters. Suggestions come one a line; some match within a word, of which shells want those that begin alike.</remarks>
internal static class CompletionScripts
{
    public static readonly IReadOnlyDictionary<string, string> All = new Dictionary<string, string>
    {
        ["bash"] = """
            # Completion of deepseek for bash: source <(deepseek completion bash)
            _deepseek() {
                local line=${COMP_LINE:0:COMP_POINT} IFS=$'\n'
                COMPREPLY=($(compgen -W "$("${COMP_WORDS[0]}" "[suggest:${#line}]" "$line" 2> /dev/null)" -- "${COMP_WORDS[COMP_CWORD]}"))
            }
            complete -o default -F _deepseek deepseek
            """,
        ["zsh"] = """
            #compdef deepseek
            # Completion of deepseek for zsh: source <(deepseek completion zsh), after compinit
            _deepseek() {
                local line="${(j: :)words[1,CURRENT]}"
                local -a found
                found=(${(f)"$("${words[1]}" "[suggest:${#line}]" "$line" 2> /dev/null)"})
                compadd -a found || _files
            }
            (( $+functions[compdef] )) && compdef _deepseek deepseek
            """,
        ["fish"] = """
            # Completion of deepseek for fish: deepseek completion fish | source
            function __deepseek_complete
                set --local line (commandline --current-process --cut-at-cursor | string collect --no-trim-newlines | string replace --regex '\n$' '')
                deepseek "[suggest:"(string length -- "$line")"]" "$line" 2> /dev/null
            end
            complete --command deepseek --arguments '(__deepseek_complete)'
            """,
        ["powershell"] = """
            # Completion of deepseek for PowerShell: deepseek completion powershell | Out-String | Invoke-Expression
            Register-ArgumentCompleter -Native -CommandName deepseek -ScriptBlock {
                param($wordToComplete, $commandAst, $cursorPosition)
                $length = $cursorPosition - $commandAst.Extent.StartOffset
                $line = $commandAst.ToString().PadRight($length).Substring(0, $length)
                deepseek "[suggest:$length]" $line 2> $null |
                    Where-Object { $_ -and $_.StartsWith($wordToComplete) } |
                    ForEach-Object { [System.Management.Automation.CompletionResult]::new($_) }
            }
            """,
    };
}
