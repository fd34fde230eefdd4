namespace Deepseek.Inference.Chat;

/// <summary>Watches streamed text for stop strings and passes on what comes before the first of them.</summary>
/// <remarks>
/// <para>
/// The text ends where a stop string is first complete, and is cut before that string; of several that are complete at
/// the same character the longest counts. That is a property of the whole text, so how the text was cut into deltas changes
/// nothing. It also means that no further token has to be generated to decide: with "bcd" and "c" the text "abc…" ends at "c".
/// </para>
/// <para>
/// One position of Knuth, Morris and Pratt ("Fast pattern matching in strings", SIAM J. Computing 1977) a stop string says how
/// much of it the text ends with; the greatest of them is what must be held back. Strings are compared by UTF-16 code
/// units, without regard to culture or normalization. For one sequence and one thread at a time.
/// </para>
/// </remarks>
public sealed class StopStringMatcher
{
    private readonly string[] _stops;
    private readonly int[][] _borders; // [stop][n]: length of the longest proper border of the stop's first n + 1 characters
    private readonly int[] _matched; // [stop]: how many of its characters the text ends with
    private string _held = "";
    private string? _match;

    /// <summary>Creates a matcher.</summary>
    /// <param name="stops">The stop strings; with none the matcher passes everything on at once.</param>
    /// <exception cref="ArgumentException">A stop string is null or empty.</exception>
    public StopStringMatcher(IEnumerable<string> stops)
    {
        ArgumentNullException.ThrowIfNull(stops);
        _stops = [.. stops];
        if (Array.FindIndex(_stops, string.IsNullOrEmpty) is var empty and >= 0)
            throw new ArgumentException($"stops[{empty}] is {(_stops[empty] is null ? "null" : "empty")}; it must have at least one character, since an empty one would stop every text.", nameof(stops));
        _borders = Array.ConvertAll(_stops, Borders);
        _matched = new int[_stops.Length];
    }

    /// <summary>Takes the next piece of text.</summary>
    /// <param name="delta">The piece; may be empty.</param>
    /// <returns>The text that is settled now, and the stop string if one is complete. After a match everything is swallowed.</returns>
    public StopStringResult Append(string delta)
    {
        ArgumentNullException.ThrowIfNull(delta);
        if (_match is not null)
            return new StopStringResult("", _match);

        for (var i = 0; i < delta.Length; i++)
        {
            if (Advance(delta[i]) is not { } match)
                continue;
            _match = match;
            var before = string.Concat(_held, delta.AsSpan(0, i + 1))[..^match.Length];
            _held = "";
            return new StopStringResult(before, match);
        }

        var text = _held + delta;
        var settled = text.Length - _matched.Append(0).Max();
        _held = text[settled..];
        return new StopStringResult(text[..settled], null);
    }

    /// <summary>Ends the text: what was held back can no longer become a stop string and is handed out.</summary>
    public string Flush()
    {
        var rest = _held;
        _held = "";
        Array.Clear(_matched);
        return rest;
    }

    // Moves every stop string by one character; returns the longest that is complete.
    private string? Advance(char next)
    {
        string? complete = null;
        for (var s = 0; s < _stops.Length; s++)
        {
            var stop = _stops[s];
            var n = _matched[s];
            while (n > 0 && stop[n] != next)
                n = _borders[s][n - 1];
            if (stop[n] == next)
                n++;
            _matched[s] = n;
            if (n == stop.Length && stop.Length > (complete?.Length ?? 0))
                complete = stop;
        }

        return complete;
    }

    private static int[] Borders(string stop)
    {
        var borders = new int[stop.Length];
        for (int i = 1, n = 0; i < stop.Length; i++)
        {
            while (n > 0 && stop[i] != stop[n])
                n = borders[n - 1];
            if (stop[i] == stop[n])
                n++;
            borders[i] = n;
        }

        return borders;
    }
}
