namespace Deepseek.Inference.Tokenization.Templates;

/// <summary>Python's <c>str.split</c> and <c>str.rsplit</c>.</summary>
internal static class StringSplitting
{
    public static SequenceValue Split(RenderContext context, string text, Arguments arguments, bool fromRight)
    {
        var values = arguments.Bind(0, "sep", "maxsplit");
        var limit = FilterValues.Integer(context, values[1], -1, "maxsplit");
        if (limit < 0)
            limit = int.MaxValue;
        context.Reserve(text.Length);

        List<object> pieces = [];
        if (values[0] is null or None)
        {
            AtWhitespace(context, text, limit, fromRight, pieces);
        }
        else
        {
            var separator = StringMethods.Text(context, arguments, 0, values);
            if (separator.Length == 0)
                throw context.Error("the separator of 'split' must not be empty.");
            context.Search(text, separator);
            if (fromRight)
                FromRight(context, text, separator, limit, pieces);
            else
                FromLeft(context, text, separator, limit, pieces);
        }

        if (fromRight)
            pieces.Reverse();
        return new(pieces);
    }

    private static void FromLeft(RenderContext context, string text, string separator, int limit, List<object> pieces)
    {
        var start = 0;
        for (var found = text.IndexOf(separator, StringComparison.Ordinal); found >= 0 && pieces.Count < limit; found = text.IndexOf(separator, start, StringComparison.Ordinal))
        {
            Add(context, pieces, text[start..found]);
            start = found + separator.Length;
        }

        Add(context, pieces, text[start..]);
    }

    private static void FromRight(RenderContext context, string text, string separator, int limit, List<object> pieces)
    {
        var end = text.Length;
        while (pieces.Count < limit)
        {
            var found = text.AsSpan(0, end).LastIndexOf(separator);
            if (found < 0)
                break;
            Add(context, pieces, text[(found + separator.Length)..end]);
            end = found;
        }

        Add(context, pieces, text[..end]);
    }

    // Runs of whitespace separate, and those at the ends vanish; what remains after the last allowed cut keeps its whitespace.
    private static void AtWhitespace(RenderContext context, string text, int limit, bool fromRight, List<object> pieces)
    {
        var (start, end) = (0, text.Length);
        while (true)
        {
            while (!fromRight && start < end && PythonString.IsSpace(text[start]))
                start++;
            while (fromRight && end > start && PythonString.IsSpace(text[end - 1]))
                end--;
            if (start == end)
                return;

            var cut = pieces.Count >= limit ? -1 : fromRight ? LastSpace(text, start, end) : FirstSpace(text, start, end);
            if (cut < 0)
            {
                Add(context, pieces, text[start..end]);
                return;
            }

            Add(context, pieces, fromRight ? text[(cut + 1)..end] : text[start..cut]);
            (start, end) = fromRight ? (start, cut) : (cut, end);
        }
    }

    private static int FirstSpace(string text, int start, int end)
    {
        while (start < end && !PythonString.IsSpace(text[start]))
            start++;
        return start < end ? start : -1;
    }

    private static int LastSpace(string text, int start, int end)
    {
        while (end > start && !PythonString.IsSpace(text[end - 1]))
            end--;
        return end > start ? end - 1 : -1;
    }

    private static void Add(RenderContext context, List<object> pieces, string piece)
    {
        pieces.Add(piece);
        context.Step(TemplateLimits.StepsPerItem);
        if (pieces.Count > TemplateLimits.Items)
            context.ReserveItems(pieces.Count);
    }
}
