using System.Collections;

namespace Deepseek.Inference.Tokenization.Templates;

/*
 * A value of a template is one of: None, Undefined, bool, BigInteger, double, string, SequenceValue, MapValue, IteratorValue,
 * NamespaceValue, LoopValue, CallableValue. All but the last four's state are immutable: Transformers runs templates in Jinja2's
 * ImmutableSandboxedEnvironment, where lists and mappings cannot be changed either.
 */

/// <summary>Python's <c>None</c>; a value of its own, so that C#'s null always means "not given".</summary>
internal sealed class None
{
    public static readonly None Value = new();

    private None()
    {
    }
}

/// <summary>What a name or entry that does not exist evaluates to: prints nothing, is false, and fails when it is used further.</summary>
/// <param name="Reason">A sentence's start that tells what is missing, for the error.</param>
internal sealed record Undefined(string Reason)
{
    public bool Equals(Undefined? other) => other is not null;

    public override int GetHashCode() => 0;
}

internal enum SequenceKind
{
    List,
    Tuple,
    Range,
    Keys,
    Values,
    Items,
}

/// <summary>A list, a tuple, a range or a view of a mapping.</summary>
/// <param name="items">What it holds.</param>
/// <param name="kind">Which of these it is.</param>
/// <param name="text">What a range prints, since its bounds cannot be told from its items.</param>
internal sealed class SequenceValue(IReadOnlyList<object> items, SequenceKind kind = SequenceKind.List, string? text = null)
{
    public string? Text { get; } = text;

    public IReadOnlyList<object> Items { get; } = items;

    public SequenceKind Kind { get; } = kind;

    public bool IsView => Kind is SequenceKind.Keys or SequenceKind.Values or SequenceKind.Items;

    public static SequenceValue Pair(object first, object second) => new([first, second], SequenceKind.Tuple);
}

/// <summary>A mapping in order of insertion. Keys are strings, numbers, booleans or None.</summary>
internal sealed class MapValue
{
    private readonly OrderedDictionary<object, object> _entries = new(KeyComparer.Instance);

    public MapValue()
    {
    }

    public MapValue(MapValue other)
    {
        foreach (var (key, value) in other._entries)
            Add(key, value);
    }

    public int Count => _entries.Count;

    /// <summary>UTF-16 units of all keys: what hashing them takes.</summary>
    public long KeyCharacters { get; private set; }

    public IReadOnlyList<object> Keys => _entries.Keys;

    public IEnumerable<KeyValuePair<object, object>> Entries => _entries;

    public object? Find(object key) => KeyComparer.IsKey(key) && _entries.TryGetValue(key, out var value) ? value : null;

    /// <summary>Only for a mapping that no template has seen yet.</summary>
    public void Add(object key, object value)
    {
        if (key is string text)
            KeyCharacters += text.Length;
        _entries[key] = value;
    }
}

/// <summary>A Python generator: what <c>map</c>, <c>select</c> and their like give. It can be walked once, is always true, and has no length.</summary>
internal sealed class IteratorValue(IEnumerable<object> items) : IEnumerable<object>
{
    private readonly IEnumerator<object> _enumerator = items.GetEnumerator();

    public IEnumerator<object> GetEnumerator()
    {
        while (_enumerator.MoveNext())
            yield return _enumerator.Current;
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}

/// <summary>The result of <c>namespace()</c>: attributes that <c>{% set ns.x = … %}</c> may change from any scope.</summary>
internal sealed class NamespaceValue
{
    public Dictionary<string, object> Attributes { get; } = new(StringComparer.Ordinal);
}

/// <summary>A macro, a method bound to its value, or a global function.</summary>
internal sealed class CallableValue(string name, Func<Arguments, object> body)
{
    public string Name { get; } = name;

    public object Call(Arguments arguments) => body(arguments);
}
