using System.Numerics;

namespace Deepseek.Inference.Tokenization.Templates;

/// <summary>The variable <c>loop</c>. It reads ahead only where a template asks for what comes, since a loop's condition may depend on its body.</summary>
/// <remarks>Jinja2 3.1, "Template Designer Documentation", section For, and <c>runtime.LoopContext</c>.</remarks>
internal sealed class LoopValue(RenderContext context, IEnumerable<object> items, int? knownLength)
{
    private IEnumerator<object> _source = items.GetEnumerator();
    private int? _length = knownLength;
    private object? _previous;
    private object? _current;
    private object? _next;
    private object? _changed;
    private int _index0 = -1;

    public int Index => _index0 + 1;

    public int Length => _length ??= CountRest();

    /// <summary>Goes to the next pass; returns its item, or null after the last.</summary>
    public object? MoveNext()
    {
        var item = Peek();
        _next = null;
        if (item is null)
            return null;
        _index0++;
        _previous = _current;
        return _current = item;
    }

    public object? Attribute(RenderContext rendering, string name) => name switch
    {
        "index" => (BigInteger)Index,
        "index0" => (BigInteger)_index0,
        "first" => _index0 == 0,
        "last" => Peek() is null,
        "length" => (BigInteger)Length,
        "revindex" => (BigInteger)(Length - _index0),
        "revindex0" => (BigInteger)(Length - Index),
        "previtem" => _previous ?? new Undefined("there is no previous item"),
        "nextitem" => Peek() ?? new Undefined("there is no next item"),
        "depth" => BigInteger.One, // recursive loops are not supported
        "depth0" => BigInteger.Zero,
        "cycle" => new CallableValue("loop.cycle", arguments => Cycle(rendering, arguments)),
        "changed" => new CallableValue("loop.changed", arguments => HasChanged(rendering, arguments)),
        _ => null,
    };

    private object? Peek() => _next ??= _source.MoveNext() ? _source.Current : null;

    private int CountRest()
    {
        var ahead = _next is null ? 0 : 1;
        List<object> rest = [];
        while (_source.MoveNext())
        {
            context.Step(TemplateLimits.StepsPerItem);
            rest.Add(_source.Current);
        }

        _source = rest.GetEnumerator();
        return Index + ahead + rest.Count;
    }

    private object Cycle(RenderContext rendering, Arguments arguments)
    {
        if (arguments.Positional.Count == 0 || arguments.Named.Count > 0)
            throw rendering.Error("loop.cycle needs at least one value, by position.");
        return arguments.Positional[_index0 % arguments.Positional.Count];
    }

    private bool HasChanged(RenderContext rendering, Arguments arguments)
    {
        var values = new SequenceValue(arguments.Positional, SequenceKind.Tuple);
        var changed = _changed is null || !Operators.AreEqual(rendering, _changed, values);
        _changed = values;
        return changed;
    }
}
