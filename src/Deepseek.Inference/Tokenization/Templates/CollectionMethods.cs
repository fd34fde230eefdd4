using System.Numerics;

namespace Deepseek.Inference.Tokenization.Templates;

/// <summary>Methods of mappings and lists. Those that would change their value are refused, as in Transformers' immutable sandbox.</summary>
internal static class CollectionMethods
{
    // jinja2.sandbox 3.1, _mutable_spec: what an immutable sandbox refuses.
    private static readonly HashSet<string> ChangesMap = new(["clear", "pop", "popitem", "setdefault", "update"], StringComparer.Ordinal);
    private static readonly HashSet<string> ChangesList = new(["append", "clear", "extend", "insert", "pop", "remove", "reverse", "sort"], StringComparer.Ordinal);

    public static CallableValue? Find(RenderContext context, MapValue map, string name) => name switch
    {
        "copy" => new(name, a =>
        {
            a.Bind(0);
            context.ReserveMap(map.Count, map.KeyCharacters);
            return new MapValue(map);
        }),
        "get" => new(name, a =>
        {
            var values = a.Bind(1, "key", "default");
            if (values[0] is string key)
                context.Scan(key);
            return map.Find(values[0]!) ?? values[1] ?? None.Value;
        }),
        "items" => new(name, a => View(context, a, [.. map.Entries.Select(entry => SequenceValue.Pair(entry.Key, entry.Value))], SequenceKind.Items)),
        "keys" => new(name, a => View(context, a, map.Keys, SequenceKind.Keys)),
        "values" => new(name, a => View(context, a, [.. map.Entries.Select(entry => entry.Value)], SequenceKind.Values)),
        _ => ChangesMap.Contains(name) ? Refused(context, name, "mapping") : null,
    };

    public static CallableValue? Find(RenderContext context, SequenceValue sequence, string name) => name switch
    {
        _ when sequence.IsView || sequence.Kind == SequenceKind.Range => null,
        "count" => new(name, a =>
        {
            var wanted = a.Bind(1, "value")[0]!;
            return (BigInteger)sequence.Items.Count(item => Operators.AreEqual(context, item, wanted));
        }),
        "index" => new(name, a => IndexOf(context, sequence, a.Bind(1, "value")[0]!)),
        "copy" when sequence.Kind == SequenceKind.List => new(name, a =>
        {
            a.Bind(0);
            return sequence; // it never changes, so one is as good as two
        }),
        _ => sequence.Kind == SequenceKind.List && ChangesList.Contains(name) ? Refused(context, name, "list") : null,
    };

    private static SequenceValue View(RenderContext context, Arguments arguments, IReadOnlyList<object> items, SequenceKind kind)
    {
        arguments.Bind(0);
        return context.List(items, kind);
    }

    private static BigInteger IndexOf(RenderContext context, SequenceValue sequence, object wanted)
    {
        for (var i = 0; i < sequence.Items.Count; i++)
        {
            if (Operators.AreEqual(context, sequence.Items[i], wanted))
                return i;
        }

        throw context.Error("the method 'index' found no equal item.");
    }

    private static CallableValue Refused(RenderContext context, string name, string type) => new(name, _ => throw context.Error(
        $"the method '{name}' would change a {type}, which templates may not (Transformers refuses it too); assign a new one, as in {{% set x = x + [y] %}}."));
}
