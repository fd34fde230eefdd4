using System.Numerics;

namespace Deepseek.Inference.Tokenization.Templates;

/// <summary>A test: <c>value is name(arguments)</c>.</summary>
internal delegate bool ValueTest(RenderContext context, object value, Arguments arguments);

/// <summary>All tests by name; each does what Jinja2 3.1's "List of Builtin Tests" says of it.</summary>
internal static class Tests
{
    private static readonly ValueTest Equal = (c, v, a) => Operators.AreEqual(c, v, Other(a));
    private static readonly ValueTest NotEqual = (c, v, a) => !Operators.AreEqual(c, v, Other(a));
    private static readonly ValueTest Less = (c, v, a) => Operators.Order(c, v, Other(a)) < 0;
    private static readonly ValueTest LessOrEqual = (c, v, a) => Operators.Order(c, v, Other(a)) <= 0;
    private static readonly ValueTest Greater = (c, v, a) => Operators.Order(c, v, Other(a)) > 0;
    private static readonly ValueTest GreaterOrEqual = (c, v, a) => Operators.Order(c, v, Other(a)) >= 0;

    private static readonly Dictionary<string, ValueTest> Table = new(StringComparer.Ordinal)
    {
        ["!="] = NotEqual,
        ["<"] = Less,
        ["<="] = LessOrEqual,
        ["=="] = Equal,
        [">"] = Greater,
        [">="] = GreaterOrEqual,
        ["boolean"] = Plain(value => value is bool),
        ["callable"] = Plain(value => value is CallableValue),
        ["defined"] = Plain(value => value is not Undefined),
        ["divisibleby"] = (c, v, a) => Leaves(c, v, a.Bind(1, "num")[0]!, 0),
        ["eq"] = Equal,
        ["equalto"] = Equal,
        ["even"] = (c, v, a) => IsParity(c, v, a, 0),
        ["false"] = Plain(value => value is false),
        ["float"] = Plain(value => value is double),
        ["ge"] = GreaterOrEqual,
        ["greaterthan"] = Greater,
        ["gt"] = Greater,
        ["in"] = (c, v, a) => Operators.Contains(c, a.Bind(1, "seq")[0]!, v),
        ["integer"] = Plain(value => value is BigInteger),
        ["iterable"] = Plain(value => value is string or SequenceValue or MapValue or IteratorValue or LoopValue or Undefined),
        ["le"] = LessOrEqual,
        ["lessthan"] = Less,
        ["lower"] = (c, v, a) => IsCase(c, v, a, upper: false),
        ["lt"] = Less,
        ["mapping"] = Plain(value => value is MapValue),
        ["ne"] = NotEqual,
        ["none"] = Plain(value => value is None),
        ["number"] = Plain(Numbers.IsNumber),
        ["odd"] = (c, v, a) => IsParity(c, v, a, 1),
        ["sameas"] = (c, v, a) => IsSame(v, Other(a)),
        ["sequence"] = Plain(value => value is string or MapValue or Undefined or SequenceValue { IsView: false }),
        ["string"] = Plain(value => value is string),
        ["true"] = Plain(value => value is true),
        ["undefined"] = Plain(value => value is Undefined),
        ["upper"] = (c, v, a) => IsCase(c, v, a, upper: true),
    };

    public static string Names => string.Join(", ", Table.Keys.Where(name => char.IsAsciiLetter(name[0])));

    public static bool IsKnown(string name) => Table.ContainsKey(name);

    public static bool Apply(RenderContext context, string name, object value, Arguments arguments)
    {
        context.Step();
        if (!Table.TryGetValue(name, out var test))
            throw context.Error(Unknown(name));
        return test(context, value, arguments);
    }

    public static string Unknown(string name) => $"the test '{name}' is not supported; supported are {Names}.";

    private static ValueTest Plain(Func<object, bool> test) => (_, value, arguments) =>
    {
        arguments.Bind(0);
        return test(value);
    };

    private static object Other(Arguments arguments) => arguments.Bind(1, "other")[0]!;

    private static bool IsParity(RenderContext context, object value, Arguments arguments, BigInteger remainder)
    {
        arguments.Bind(0);
        return Leaves(context, value, new BigInteger(2), remainder);
    }

    private static bool Leaves(RenderContext context, object value, object divisor, BigInteger remainder) =>
        Operators.AreEqual(context, Operators.Binary(context, "%", value, divisor), remainder);

    // Identity. Small values have none of their own here, so that equal ones of one type count as the same, as CPython's small integers do.
    private static bool IsSame(object value, object other) => value switch
    {
        SequenceValue or MapValue or IteratorValue or NamespaceValue or LoopValue => ReferenceEquals(value, other),
        _ => value.GetType() == other.GetType() && value.Equals(other),
    };

    private static bool IsCase(RenderContext context, object value, Arguments arguments, bool upper)
    {
        arguments.Bind(0);
        var text = PythonText.Str(context, value);
        context.Scan(text);
        return FilterValues.IsCase(text, upper);
    }
}
