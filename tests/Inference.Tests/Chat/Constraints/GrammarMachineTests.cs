using System.Text;
using Deepseek.Inference.Chat;
using Deepseek.Inference.Chat.Constraints;
using Deepseek.Inference.Tests.Sampling;
using FsCheck;
using FsCheck.Fluent;

namespace Deepseek.Inference.Tests.Chat.Constraints;

public sealed class GrammarMachineTests
{
    private static readonly Gen<GrammarNode> Grammars = Node(3);

    private static readonly Gen<string> Texts = Gen.Elements('a', 'b').ArrayOf().Where(letters => letters.Length <= 7).Select(letters => new string(letters));

    [Fact]
    public void Run_AnyGrammar_EqualsTheDefinition() => Rows.ForAll(Grammars, Texts, (grammar, text) =>
    {
        var bytes = Encoding.ASCII.GetBytes(text);
        var (begins, matches) = SlowMatcher.Try(grammar, bytes);
        var machine = new GrammarMachine();

        var state = machine.Run(machine.Start(grammar), bytes);

        Assert.Equal(begins, !state.IsDead);
        Assert.Equal(matches, state.Accepts);
    });

    [Fact]
    public void Run_MoreStatesThanAreRemembered_StaysRight()
    {
        const int Length = 20_000; // each a state of its own
        var machine = new GrammarMachine();
        var root = Grammar.Sequence(Grammar.Repeat(Grammar.OneOf("ab"), 3, Length), Grammar.Text("c"));
        Productivity.Mark(root);
        var early = machine.Run(machine.Start(root), "aaaa"u8);

        var full = machine.Run(machine.Start(root), Enumerable.Repeat((byte)'b', Length).ToArray());

        Assert.True(machine.Step(full, (byte)'a').IsDead);
        Assert.True(machine.Step(full, (byte)'c').Accepts);
        Assert.True(machine.Run(early, "bbc"u8).Accepts);
        Assert.True(machine.Run(machine.Start(root), "aac"u8).IsDead);
    }

    [Fact]
    public void Run_NestedBeyondAnyStack_ComesBack()
    {
        const int Depth = 50_000;
        var list = new ReferenceNode();
        list.Target = Grammar.Sequence(Grammar.Text("["), Grammar.Optional(list), Grammar.Text("]"));
        Productivity.Mark(list);
        var machine = new GrammarMachine();

        var state = machine.Run(machine.Start(list), Encoding.ASCII.GetBytes(new string('[', Depth) + new string(']', Depth)));

        Assert.True(state.Accepts);
    }

    [Fact]
    public void Run_WaysThatDoubleEachLevel_AreBounded()
    {
        var constraint = TextConstraint.JsonSchema(ConstraintWalk.Json("""
            {"$ref": "#/$defs/a", "$defs": {
                "a": {"type": "array", "items": {"anyOf": [{"$ref": "#/$defs/b"}, {"$ref": "#/$defs/c"}]}},
                "b": {"type": "array", "items": {"anyOf": [{"$ref": "#/$defs/b"}, {"$ref": "#/$defs/c"}]}, "maxItems": 7},
                "c": {"type": "array", "items": {"anyOf": [{"$ref": "#/$defs/b"}, {"$ref": "#/$defs/c"}]}, "maxItems": 8}}}
            """));

        Assert.True(new ConstraintWalk(constraint).Accepts(new string('[', 12) + new string(']', 12)));
    }

    [Fact]
    public void Step_ManyWays_AreAllFollowed()
    {
        var words = Enumerable.Range(100, 200).Select(n => $"a{n}").ToList(); // more than one word of bits tells apart
        var root = Grammar.Choice(words.Select(Grammar.Text));
        Productivity.Mark(root);
        var machine = new GrammarMachine();

        Assert.All(words, word => Assert.True(machine.Run(machine.Start(root), Encoding.ASCII.GetBytes(word)).Accepts, word));
        Assert.True(machine.Run(machine.Start(root), "a300"u8).IsDead);
    }

    [Fact]
    public void Mark_RecursionWithoutEnd_IsNotEntered()
    {
        var endless = new ReferenceNode();
        endless.Target = Grammar.Sequence(Grammar.Text("a"), endless);
        var root = Grammar.Choice(endless, Grammar.Text("ab"));

        Assert.True(Productivity.Mark(root));
        Assert.False(endless.Productive);
        var machine = new GrammarMachine();
        Assert.True(machine.Run(machine.Start(root), "aa"u8).IsDead);
        Assert.True(machine.Run(machine.Start(root), "ab"u8).Accepts);
    }

    // Ambiguous on purpose: two letters, and everything nested in everything.
    private static Gen<GrammarNode> Node(int depth)
    {
        var leaf = Gen.OneOf(
            Gen.Elements("a", "b", "ab", "ba", "aab").Select(Grammar.Text),
            Gen.Elements("a", "ab").Select(Grammar.OneOf),
            Gen.Elements(Grammar.Empty, Grammar.Nothing));
        if (depth == 0)
            return leaf;
        var inner = Node(depth - 1);
        return Gen.OneOf(
            leaf,
            from items in inner.ArrayOf(3) select Grammar.Sequence(items),
            from items in inner.ArrayOf(2) select Grammar.Choice(items),
            from item in inner
            from least in Gen.Choose(0, 2)
            from most in Gen.Elements<int?>(null, 0, 1, 3)
            select Grammar.Repeat(item, least, most));
    }
}
