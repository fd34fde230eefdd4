using System.Text;
using Deepseek.Cli.Terminal.Editing;

namespace Deepseek.Cli.Terminal;

/// <summary>Something that was entered.</summary>
/// <param name="Text">The text.</param>
/// <param name="MayBeCommand">It was one line: a slash at its beginning means a command.</param>
internal sealed record Entry(string Text, bool MayBeCommand);

/// <summary>Joins lines to questions: a line that ends in a backslash goes on in the next one, and three quotation marks begin and end a block.</summary>
internal sealed class QuestionReader(ILineSource lines)
{
    private const string Prompt = "> ";
    private const string Continued = ". ";
    private const string Quotes = "\"\"\"";

    /// <summary>Waits for a question or a command; null at the end of input.</summary>
    public async Task<Entry?> ReadAsync(CancellationToken cancellationToken)
    {
        if (await lines.ReadAsync(Prompt, cancellationToken).ConfigureAwait(false) is not { } first)
            return null;
        Entry entry = first.AsSpan().TrimStart().StartsWith(Quotes, StringComparison.Ordinal)
            ? new(await BlockAsync(first.TrimStart()[Quotes.Length..], cancellationToken).ConfigureAwait(false), MayBeCommand: false)
            : new((await JoinAsync(first, cancellationToken).ConfigureAwait(false)).Trim(), MayBeCommand: !first.Contains('\n', StringComparison.Ordinal));
        lines.Remember(entry.Text);
        return entry;
    }

    private async Task<string> JoinAsync(string line, CancellationToken cancellationToken)
    {
        var text = new StringBuilder();
        while (line.EndsWith('\\'))
        {
            text.Append(line, 0, line.Length - 1).Append('\n');
            line = await lines.ReadAsync(Continued, cancellationToken).ConfigureAwait(false) ?? "";
        }

        return text.Append(line).ToString();
    }

    /// <summary>Takes lines as they are, to the closing marks or the end of input.</summary>
    private async Task<string> BlockAsync(string rest, CancellationToken cancellationToken)
    {
        var text = new StringBuilder();
        var isFirst = true;
        for (string? line = rest; line is not null; line = await lines.ReadAsync(Continued, cancellationToken).ConfigureAwait(false))
        {
            var closes = line.AsSpan().TrimEnd().EndsWith(Quotes, StringComparison.Ordinal);
            var content = closes ? line.TrimEnd()[..^Quotes.Length] : line;
            if (!(isFirst && content.Length == 0))
                text.Append(content).Append('\n'); // the line of the opening marks need not hold anything
            isFirst = false;
            if (closes)
                break;
        }

        return text.ToString().Trim('\n');
    }
}
