namespace Deepseek.Inference.Tokenization.Templates;

/// <summary>Python's stable sort; its comparison may fail with a template's error, which <c>List.Sort</c> would wrap.</summary>
internal static class Sorting
{
    /// <summary>What items are compared by: an attribute of them if one is named, without regard to case unless asked.</summary>
    public static Func<object, object> Key(RenderContext context, object? attribute, bool caseSensitive) => item =>
    {
        var part = attribute is null or None ? item : FilterValues.Path(context, item, attribute);
        return caseSensitive || part is not string text ? part : context.Built(text.ToLowerInvariant());
    };

    public static List<object> Sort(RenderContext context, List<object> items, Func<object, object> key, bool reverse)
    {
        var keyed = items.ConvertAll(item => (Key: key(item), Item: item));
        var (source, target) = (keyed.ToArray(), new (object Key, object Item)[items.Count]);
        for (var width = 1; width < source.Length; width *= 2)
        {
            for (var start = 0; start < source.Length; start += 2 * width)
                Merge(context, source, target, start, Math.Min(start + width, source.Length), Math.Min(start + 2 * width, source.Length), reverse);
            (source, target) = (target, source);
        }

        return [.. source.Select(entry => entry.Item)];
    }

    // Equal items keep their order in both directions.
    private static void Merge(RenderContext context, (object Key, object Item)[] source, (object Key, object Item)[] target, int start, int middle, int end, bool reverse)
    {
        var (left, right) = (start, middle);
        for (var i = start; i < end; i++)
        {
            var takeRight = left >= middle
                || (right < end && Operators.Order(context, source[right].Key, source[left].Key) is { } order && (reverse ? order > 0 : order < 0));
            target[i] = source[takeRight ? right++ : left++];
        }
    }
}
