using System.Text.RegularExpressions;

namespace Deepseek.Inference.Docs.Tests.Documentation;

/// <summary>A fenced code block of a Markdown file.</summary>
/// <param name="File">The file, as messages shall name it.</param>
/// <param name="Line">The line of the block's first line, from 1.</param>
/// <param name="Language">The first word after the fence, in lower case; empty where there is none.</param>
/// <param name="Marks">The further words after the fence.</param>
/// <param name="Text">The block's lines.</param>
internal sealed partial record MarkdownFence(string File, int Line, string Language, IReadOnlyList<string> Marks, string Text)
{
    /// <summary>All blocks of a file, in order. One that is not closed goes to the file's end, as CommonMark 0.31 §4.5 has it.</summary>
    public static IEnumerable<MarkdownFence> Parse(string file, string markdown)
    {
        var lines = markdown.ReplaceLineEndings("\n").Split('\n');
        for (var i = 0; i < lines.Length; i++)
        {
            if (Opening().Match(lines[i]) is not { Success: true } opening)
                continue;
            var (indent, fence) = (opening.Groups[1].Length, opening.Groups[2].Value);
            var words = opening.Groups[3].Value.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            var end = Array.FindIndex(lines, i + 1, line => Closes(line, fence));
            end = end < 0 ? lines.Length : end;
            var text = lines[(i + 1)..end].Select(line => line[Math.Min(indent, line.Length - line.TrimStart(' ').Length)..]);
            yield return new MarkdownFence(file, i + 2, words.FirstOrDefault("").ToLowerInvariant(), [.. words.Skip(1)], string.Join('\n', text));
            i = end;
        }
    }

    private static bool Closes(string line, string fence)
    {
        var trimmed = line.Trim();
        return trimmed.Length >= fence.Length && trimmed.All(character => character == fence[0]);
    }

    [GeneratedRegex("^( *)(`{3,}|~{3,})([^`]*)$")]
    private static partial Regex Opening();
}
