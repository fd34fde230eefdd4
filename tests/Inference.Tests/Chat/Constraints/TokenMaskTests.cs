using System.Text;
using Deepseek.Inference.Chat.Constraints;
using Deepseek.Inference.Tokenization;

namespace Deepseek.Inference.Tests.Chat.Constraints;

public sealed class TokenMaskTests
{
    private static readonly DeepseekTokenizer Tokenizer = DeepseekTokenizer.Load(TestPaths.Nano);

    private static readonly TokenTable Table = TokenTable.Of(Tokenizer);

    private static readonly GrammarNode AnyObject = new JsonNodes(barIsEscaped: false).AnyObject;

    private static readonly GrammarNode Choices = Grammar.Sequence(
        Grammar.Choice(Grammar.Text("the"), Grammar.Text("there"), Grammar.Text(" the")),
        Grammar.Repeat(Grammar.Choice(Grammar.Text("a"), Grammar.Text("ab"), Grammar.Text("é")), 2, 3),
        Grammar.Optional(Grammar.Text("!")));

    public static TheoryData<string> Beginnings => ["", "{", "{\"", "{\"k", "{\"k\": ", "{\"k\": [1", "{\"k\": \"\\", "{\"k\": \"\\ud8", "{\n  ", "{\"k\": tru", "{\"k\": -", "{\"k\": {\"e\": 1}", "{\"k\": \"é"];

    [Theory, MemberData(nameof(Beginnings))]
    public void Create_AfterABeginningOfJson_EqualsTheDefinition(string beginning) => RequireDefinition(AnyObject, Encoding.UTF8.GetBytes(beginning));

    [Theory]
    [InlineData("")]
    [InlineData("the")]
    [InlineData("therea")]
    [InlineData("theaab")]
    public void Create_AmbiguousGrammar_EqualsTheDefinition(string beginning) => RequireDefinition(Choices, Encoding.UTF8.GetBytes(beginning));

    [Fact]
    public void Create_WithinACharacter_EqualsTheDefinition() => RequireDefinition(AnyObject, [.. "{\""u8, 0xE2, 0x82]);

    [Fact]
    public void Create_MarkerOfTheVocabulary_AllowsItsToken()
    {
        var machine = new GrammarMachine();
        var root = Grammar.Sequence(Grammar.Marker("</think>"), Grammar.Text("a"));
        Productivity.Mark(root);
        var token = Tokenizer.TokenId("</think>")!.Value;
        var start = machine.Start(root);

        var mask = TokenMask.Create(machine, start, Table);

        Assert.True(mask[token]);
        Assert.Equal(machine.Run(start, "</think>"u8), machine.StepControl(start, Tokenizer.Bytes(token, "")));
        Assert.All(Table.Control.Where(id => id != token), id => Assert.False(mask[id]));
    }

    [Fact]
    public void Create_TextOfAControlToken_IsNoMarker()
    {
        var machine = new GrammarMachine();
        Productivity.Mark(AnyObject);

        var mask = TokenMask.Create(machine, machine.Run(machine.Start(AnyObject), "{\""u8), Table);

        Assert.NotEmpty(Table.Control);
        Assert.All(Table.Control, id => Assert.False(mask[id]));
        Assert.False(mask[Tokenizer.VocabularySize + 5]);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(100)]
    [InlineData(2048)]
    [InlineData(2100)]
    public void Apply_RowOfAnyLength_RemovesWhatTheMaskDoes(int length)
    {
        var machine = new GrammarMachine();
        Productivity.Mark(AnyObject);
        var mask = TokenMask.Create(machine, machine.Run(machine.Start(AnyObject), "{\""u8), Table);
        var row = new float[length];

        mask.Apply(row);

        Assert.All(Enumerable.Range(0, length), id => Assert.Equal(mask[id] ? 0 : float.NegativeInfinity, row[id]));
    }

    private static void RequireDefinition(GrammarNode root, byte[] beginning)
    {
        var machine = new GrammarMachine();
        Productivity.Mark(root);
        var state = machine.Run(machine.Start(root), beginning);
        Assert.False(state.IsDead);

        var mask = TokenMask.Create(machine, state, Table);

        var allowed = 0;
        foreach (var id in Table.Ids)
        {
            var begins = SlowMatcher.Try(root, [.. beginning, .. Table.BytesOf(id)]).Begins;
            Assert.True(begins == mask[id], $"'{Tokenizer.TokenText(id)}' after '{Encoding.UTF8.GetString(beginning)}': {begins} by definition");
            allowed += begins ? 1 : 0;
        }

        Assert.Equal(SlowMatcher.Try(root, beginning).Matches, state.Accepts);
        Assert.True(allowed > 0);
    }
}
