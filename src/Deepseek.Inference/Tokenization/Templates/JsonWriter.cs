using System.Globalization;
using System.Numerics;

namespace Deepseek.Inference.Tokenization.Templates;

/// <summary>Writes values as Python's <c>json.dumps</c> does.</summary>
/// <param name="context">The rendering.</param>
/// <param name="ascii">Whether everything beyond ASCII is escaped; off in Transformers.</param>
/// <param name="indention">What a level is indented by; null for one line.</param>
/// <param name="itemSeparator">Between items; null for the default, <c>", "</c> on one line and <c>","</c> before line ends.</param>
/// <param name="keySeparator">Between key and value; null for <c>": "</c>.</param>
/// <param name="sortKeys">Whether keys are sorted by code point.</param>
internal sealed class JsonWriter(RenderContext context, bool ascii, string? indention, string? itemSeparator, string? keySeparator, bool sortKeys)
{
    private readonly string _itemSeparator = itemSeparator ?? (indention is null ? ", " : ",");
    private readonly string _keySeparator = keySeparator ?? ": ";
    private readonly TextBuilder _result = new(context);

    public string Write(object value)
    {
        WriteValue(value, 0);
        return _result.ToString();
    }

    private void WriteValue(object value, int depth)
    {
        context.Step();
        context.CheckValueDepth(depth);
        switch (value)
        {
            case None: _result.Append("null"); break;
            case bool b: _result.Append(b ? "true" : "false"); break;
            case BigInteger i: _result.Append(i.ToString(CultureInfo.InvariantCulture)); break;
            case double d: _result.Append(Number(d)); break;
            case string text: WriteString(text); break;
            case MapValue map: WriteMap(map, depth); break;
            case SequenceValue { IsView: false, Kind: not SequenceKind.Range } sequence: WriteItems(sequence.Items, depth); break;
            case IteratorValue iterator: WriteItems(iterator, depth); break; // Python fails here; a list is what the template means
            default: throw context.Error($"the filter 'tojson' cannot write {PythonText.TypeName(value)}{(value is Undefined undefined ? $": {undefined.Reason}" : "")}.");
        }
    }

    private void WriteItems(IEnumerable<object> items, int depth)
    {
        _result.Append('[');
        var any = false;
        foreach (var item in items)
        {
            if (any)
                _result.Append(_itemSeparator);
            any = true;
            NewLine(depth + 1);
            WriteValue(item, depth + 1);
        }

        if (any)
            NewLine(depth);
        _result.Append(']');
    }

    private void WriteMap(MapValue map, int depth)
    {
        var entries = sortKeys ? Sorted(map) : map.Entries;
        _result.Append('{');
        var any = false;
        foreach (var (key, value) in entries)
        {
            if (any)
                _result.Append(_itemSeparator);
            any = true;
            NewLine(depth + 1);
            WriteString(Key(key));
            _result.Append(_keySeparator);
            WriteValue(value, depth + 1);
        }

        if (any)
            NewLine(depth);
        _result.Append('}');
    }

    private IEnumerable<KeyValuePair<object, object>> Sorted(MapValue map)
    {
        context.ReserveItems(map.Count);
        List<object> pairs = [.. map.Entries.Select(entry => SequenceValue.Pair(entry.Key, entry.Value))];
        return Sorting.Sort(context, pairs, pair => ((SequenceValue)pair).Items[0], reverse: false)
            .Select(pair => KeyValuePair.Create(((SequenceValue)pair).Items[0], ((SequenceValue)pair).Items[1]));
    }

    private string Key(object key) => key switch
    {
        string text => text,
        None => "null",
        bool b => b ? "true" : "false",
        double d => Number(d),
        _ => PythonText.Str(context, key),
    };

    private static string Number(double value) =>
        double.IsFinite(value) ? Numbers.Format(value) : double.IsNaN(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity";

    private void NewLine(int depth)
    {
        if (indention is null)
            return;
        _result.Append('\n');
        for (var i = 0; i < depth; i++)
            _result.Append(indention);
    }

    private void WriteString(string text)
    {
        context.Scan(text);
        _result.Append('"');
        var start = 0;
        for (var i = 0; i < text.Length; i++)
        {
            var c = text[i];
            if (c >= ' ' && c is not ('"' or '\\') && (!ascii || c <= '~'))
                continue;
            _result.Append(text.AsSpan(start, i - start)).Append(Escape(c));
            start = i + 1;
        }

        _result.Append(text.AsSpan(start)).Append('"');
    }

    // Python escapes UTF-16 units, so that a code point beyond the first plane becomes two.
    private static string Escape(char c) => c switch
    {
        '"' => "\\\"",
        '\\' => @"\\",
        '\n' => @"\n",
        '\r' => @"\r",
        '\t' => @"\t",
        '\b' => @"\b",
        '\f' => @"\f",
        _ => string.Create(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}"),
    };
}
