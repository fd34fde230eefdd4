using System.Numerics;

namespace Deepseek.Inference.Tokenization.Templates;

/// <summary>Attributes, items, slices, length and iteration of values.</summary>
internal static class Access
{
    /// <summary><c>value.name</c>: a method or attribute first, then an entry, as in Jinja2.</summary>
    public static object Attribute(RenderContext context, object value, string name)
    {
        Require(context, value, name);
        return FindAttribute(context, value, name) ?? (value as MapValue)?.Find(name) ?? Missing(value, name);
    }

    /// <summary><c>value[key]</c>: an entry first, then a method or attribute.</summary>
    public static object Item(RenderContext context, object value, object key)
    {
        Require(context, value, key as string);
        switch (value)
        {
            case MapValue map:
                if (key is string text)
                    context.Scan(text);
                if (map.Find(key) is { } found)
                    return found;
                break;
            case SequenceValue { IsView: false } sequence when Numbers.TryInteger(key, out var index):
                if (ToOffset(index, sequence.Items.Count) is { } offset)
                    return sequence.Items[offset];
                break;
            case string characters when Numbers.TryInteger(key, out var index):
                context.Scan(characters);
                if (ToOffset(index, PythonString.Length(characters)) is { } position)
                    return PythonString.Slice(characters, position, 1, 1);
                break;
        }

        return (key is string name ? FindAttribute(context, value, name) : null) ?? Missing(value, key);
    }

    /// <summary><c>value[start:stop:step]</c> of a string, list or tuple.</summary>
    public static object Slice(RenderContext context, object value, object? start, object? stop, object? step)
    {
        Require(context, value, null);
        if (value is not (string or SequenceValue { IsView: false }))
            throw context.Error($"{PythonText.TypeName(value)} cannot be sliced; a string, list or tuple can.");

        if (value is string scanned)
            context.Scan(scanned);
        var length = value is string text ? PythonString.Length(text) : ((SequenceValue)value).Items.Count;
        var (first, stride, count) = Resolve(context, length, start, stop, step);
        if (value is string characters)
            return context.Built(PythonString.Slice(characters, first, stride, count));

        var sequence = (SequenceValue)value;
        context.ReserveItems(count);
        var items = new object[count];
        for (var i = 0; i < count; i++)
            items[i] = sequence.Items[first + i * stride];
        return new SequenceValue(items, sequence.Kind == SequenceKind.Range ? SequenceKind.List : sequence.Kind);
    }

    /// <summary>The length, or null of a value that has none.</summary>
    public static int? Length(RenderContext context, object value)
    {
        switch (value)
        {
            case string text:
                context.Scan(text);
                return PythonString.Length(text);
            case SequenceValue sequence: return sequence.Items.Count;
            case MapValue map: return map.Count;
            case LoopValue loop: return loop.Length;
            case Undefined: return 0;
            default: return null;
        }
    }

    /// <summary>What <c>for</c> walks over; keys of a mapping, code points of a string, nothing of an undefined value.</summary>
    public static IEnumerable<object> Iterate(RenderContext context, object value) => value switch
    {
        SequenceValue sequence => sequence.Items,
        MapValue map => map.Keys,
        string text => PythonString.CodePoints(text),
        IteratorValue iterator => iterator,
        Undefined => [],
        _ => throw context.Error($"{PythonText.TypeName(value)} cannot be iterated; a list, tuple, mapping or string can."),
    };

    /// <summary>All items at once, within the limit.</summary>
    public static List<object> ToItems(RenderContext context, object value)
    {
        List<object> items = [];
        foreach (var item in Iterate(context, value))
        {
            context.Step(TemplateLimits.StepsPerItem);
            items.Add(item);
            if (items.Count > TemplateLimits.Items)
                context.ReserveItems(items.Count);
        }

        return items;
    }

    private static object? FindAttribute(RenderContext context, object value, string name) => value switch
    {
        string text => StringMethods.Find(context, text, name),
        MapValue map => CollectionMethods.Find(context, map, name),
        SequenceValue sequence => CollectionMethods.Find(context, sequence, name),
        LoopValue loop => loop.Attribute(context, name),
        NamespaceValue space => space.Attributes.GetValueOrDefault(name),
        _ => null,
    };

    private static void Require(RenderContext context, object value, string? name)
    {
        if (value is Undefined undefined)
            throw context.Error($"{undefined.Reason}, so it has no {(name is null ? "items" : $"'{name}'")}.");
    }

    private static Undefined Missing(object value, object key) => new(key is string or BigInteger
        ? $"{PythonText.TypeName(value)} has no '{(key is string { Length: > 40 } text ? text[..40] + "…" : key)}'"
        : $"{PythonText.TypeName(value)} has no such item");

    private static int? ToOffset(BigInteger index, int length)
    {
        if (index.Sign < 0)
            index += length;
        return index.Sign >= 0 && index < length ? (int)index : null;
    }

    // The rules of Python's slice.indices.
    private static (int First, int Step, int Count) Resolve(RenderContext context, int length, object? start, object? stop, object? step)
    {
        var stride = Bound(context, step) ?? BigInteger.One;
        if (stride.IsZero)
            throw context.Error("the step of a slice must not be 0.");

        var forward = stride.Sign > 0;
        var (lowest, highest) = forward ? (0, length) : (-1, length - 1);
        var first = Clamp(Bound(context, start), forward ? lowest : highest);
        var end = Clamp(Bound(context, stop), forward ? highest : lowest);
        var distance = forward ? end - first : first - end;
        var size = (int)BigInteger.Min(BigInteger.Abs(stride), int.MaxValue);
        var count = distance <= 0 ? 0 : (distance - 1) / size + 1;
        return (count == 0 ? 0 : first, count <= 1 ? 1 : forward ? size : -size, count);

        int Clamp(BigInteger? bound, int missing)
        {
            if (bound is not { } value)
                return missing;
            if (value.Sign < 0)
                value += length;
            return (int)BigInteger.Max(lowest, BigInteger.Min(highest, value));
        }
    }

    private static BigInteger? Bound(RenderContext context, object? value) => value switch
    {
        null or None => null,
        _ when Numbers.TryInteger(value, out var integer) => integer,
        _ => throw context.Error($"the bounds of a slice must be integers; {Operators.Describe(value)} was found."),
    };
}
