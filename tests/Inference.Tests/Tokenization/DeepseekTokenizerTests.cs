using System.Text.Json.Nodes;
using Deepseek.Inference.Tokenization;

namespace Deepseek.Inference.Tests.Tokenization;

public sealed class DeepseekTokenizerTests
{
    private const int Begin = 0; // <｜begin▁of▁sentence｜> of nano

    private static readonly DeepseekTokenizer s_nano = DeepseekTokenizer.Load(TestPaths.Nano);

    [Fact]
    public void Load_Nano_StatesWhatTheFilesSay()
    {
        Assert.Equal(2048, s_nano.VocabularySize);
        Assert.Equal(("<｜begin▁of▁sentence｜>", Begin), (s_nano.BeginToken, s_nano.BeginTokenId));
        Assert.Equal(("<｜end▁of▁sentence｜>", 1), (s_nano.EndToken, s_nano.EndTokenId));
        Assert.True(s_nano.AddBeginToken);
        Assert.Equal(2048, s_nano.ModelMaxLength);
        Assert.StartsWith("{%- if not add_generation_prompt", s_nano.ChatTemplateSource, StringComparison.Ordinal);
        Assert.True(s_nano.IsSpecial(Begin));
        Assert.False(s_nano.IsSpecial(7));
        Assert.False(s_nano.IsSpecial(-1));
        Assert.Equal("!", s_nano.TokenText(7));
        Assert.Equal(7, s_nano.TokenId("!"));
        Assert.Null(s_nano.TokenId("no such token"));
        Assert.Null(s_nano.TokenText(2048));
        Assert.Null(s_nano.TokenText(-1));
    }

    [Fact]
    public async Task LoadAsync_Nano_EqualsLoad()
    {
        var tokenizer = await DeepseekTokenizer.LoadAsync(TestPaths.Nano, TestContext.Current.CancellationToken);

        Assert.Equal(s_nano.Encode("Hello, world!"), tokenizer.Encode("Hello, world!"));
    }

    [Fact]
    public async Task LoadAsync_Cancelled_Throws() =>
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => DeepseekTokenizer.LoadAsync(TestPaths.Nano, new CancellationToken(canceled: true)));

    [Fact]
    public void Encode_EmptyText_GivesNothing()
    {
        Assert.Empty(s_nano.Encode(""));
        Assert.Empty(s_nano.Encode("", parseSpecialTokens: false));
        Assert.Equal("", s_nano.Decode([]));
    }

    [Fact]
    public void Encode_ControlTokenInText_BecomesItsIdOnlyWhereAllowed()
    {
        const string Text = "a<｜begin▁of▁sentence｜><think>b";

        var parsed = s_nano.Encode(Text);
        var plain = s_nano.Encode(Text, parseSpecialTokens: false);

        Assert.Equal([Begin, 5], parsed.Where(id => id < 7));
        Assert.DoesNotContain(plain, id => id < 7);
        Assert.Equal(Text, s_nano.Decode(parsed));
        Assert.Equal(Text, s_nano.Decode(plain));
    }

    [Fact]
    public void Encode_NonSpecialAddedTokenAsPlainText_IsNotParsed()
    {
        var definition = TinyTokenizer.Definition();
        definition["added_tokens"]!.AsArray().Add(TinyTokenizer.Added(256, "<｜User｜>", special: false, normalized: true));
        var tokenizer = TinyTokenizer.Load(definition);

        Assert.Equal([256], tokenizer.Encode("<｜User｜>"));
        Assert.DoesNotContain(256, tokenizer.Encode("<｜User｜>", parseSpecialTokens: false));
    }

    [Fact]
    public void Decode_SkippingSpecialTokens_LeavesThemOut()
    {
        var ids = s_nano.Encode("a<｜begin▁of▁sentence｜>b");

        Assert.Equal("ab", s_nano.Decode(ids, skipSpecialTokens: true));
    }

    [Theory]
    [InlineData(2048)]
    [InlineData(-1)]
    [InlineData(int.MinValue)]
    [InlineData(int.MaxValue)]
    public void Decode_UnknownId_Throws(int id)
    {
        var fault = Assert.Throws<ArgumentOutOfRangeException>(() => s_nano.Decode([7, id]));

        Assert.Equal("ids", fault.ParamName);
        Assert.Contains($"No token has the id {id}; ids are 0 to 2047", fault.Message, StringComparison.Ordinal);
        Assert.Equal("id", Assert.Throws<ArgumentOutOfRangeException>(() => s_nano.CreateDecoder().Append(id)).ParamName);
    }

    [Fact]
    public async Task NullArguments_Throw()
    {
        Assert.Throws<ArgumentNullException>(() => s_nano.Encode(null!));
        Assert.Throws<ArgumentNullException>(() => s_nano.Decode((IEnumerable<int>)null!));
        Assert.Throws<ArgumentNullException>(() => s_nano.TokenId(null!));
        Assert.Throws<ArgumentNullException>(() => DeepseekTokenizer.Load(null!));
        Assert.Throws<ArgumentException>(() => DeepseekTokenizer.Load(""));
        await Assert.ThrowsAsync<ArgumentException>(() => DeepseekTokenizer.LoadAsync("", CancellationToken.None));
    }

    [Fact]
    public void Encode_HalfASurrogatePair_CountsAsReplacementCharacter() =>
        Assert.Equal(s_nano.Encode("a\uFFFDb\uFFFD"), s_nano.Encode("a\uD83Db\uDE00"));

    [Fact]
    public void Decode_BytesThatAreNoUtf8_BecomeReplacementCharacters()
    {
        var tokenizer = TinyTokenizer.Load(TinyTokenizer.Definition());

        // Of E2 82 a euro sign could begin: one U+FFFD for both. FF never occurs, 80 begins nothing: one each.
        Assert.Equal("\uFFFDa\uFFFD\uFFFD", tokenizer.Decode([0xE2, 0x82, 'a', 0xFF, 0x80]));
    }

    [Fact]
    public void Encode_IgnoreMerges_TakesAWholePieceThatIsAToken()
    {
        // No merge leads from ab and c to abc.
        var definition = TinyTokenizer.Definition("a b");
        definition["model"]!["vocab"]!["abc"] = 257;
        definition["model"]!["vocab"]!["Ġabc"] = 258;
        var merged = TinyTokenizer.Load((JsonObject)definition.DeepClone());
        definition["model"]!["ignore_merges"] = true;
        var whole = TinyTokenizer.Load(definition);

        Assert.Equal([256, 'c', ' ', 256, 'c'], merged.Encode("abc abc"));
        Assert.Equal([257, 258], whole.Encode("abc abc"));
        Assert.Equal([256, 'c', 'd'], whole.Encode("abcd"));
        Assert.Equal("abc abc", whole.Decode([257, 258]));
    }

    [Theory]
    [InlineData("""{"type":"NFC"}""")]
    [InlineData("""{"type":"Sequence","normalizers":[{"type":"NFC"}]}""")]
    public void Encode_ComposingNormalizer_ComposesFirst(string normalizer)
    {
        var definition = TinyTokenizer.Definition();
        definition["normalizer"] = JsonNode.Parse(normalizer);
        definition["added_tokens"]!.AsArray().Add(TinyTokenizer.Added(256, "e\u0301!", normalized: true));
        definition["added_tokens"]!.AsArray().Add(TinyTokenizer.Added(257, "e\u0301?"));
        var tokenizer = TinyTokenizer.Load(definition);

        Assert.Equal([0xC3, 0xA9], tokenizer.Encode("e\u0301")); // é, U+00E9
        Assert.Equal([256, 256], tokenizer.Encode("e\u0301!\u00E9!")); // normalised on both sides
        Assert.Equal([257, 0xC3, 0xA9, '?'], tokenizer.Encode("e\u0301?\u00E9?")); // sought in the raw text
        Assert.Equal([0xC3, 0xA9], tokenizer.Encode("e\u0301", parseSpecialTokens: false));
    }

    [Fact]
    public void Encode_AddPrefixSpace_PutsASpaceBeforeEveryPartThatLacksOne()
    {
        var definition = TinyTokenizer.Definition();
        definition["pre_tokenizer"] = TinyTokenizer.ByteLevel(useRegex: true, addPrefixSpace: true);
        definition["added_tokens"]!.AsArray().Add(TinyTokenizer.Added(256, "<x>"));
        var tokenizer = TinyTokenizer.Load(definition);

        Assert.Equal([' ', 'a', 256, ' ', 'b'], tokenizer.Encode("a<x> b"));
        Assert.Empty(tokenizer.Encode(""));
    }

    [Fact]
    public void Encode_ByteThatTheVocabularyLacks_IsLeftOut()
    {
        var definition = TinyTokenizer.Definition();
        definition["model"]!["vocab"]!.AsObject().Remove("b");
        var tokenizer = TinyTokenizer.Load(definition);
        var longer = new string('a', BytePairModel.LongPiece) + "b";

        Assert.Equal(['a', 'c'], tokenizer.Encode("abc"));
        Assert.Equal(BytePairModel.LongPiece, tokenizer.Encode(longer).Count);
        Assert.Null(tokenizer.TokenText('b'));
        Assert.Throws<ArgumentOutOfRangeException>(() => tokenizer.Decode(['b']));
    }

    [Fact]
    public void Decode_AddedTokenSpelledInByteCharacters_GivesThoseBytes()
    {
        // A rule of the reference: é is the character of byte E9, and the token decodes to that byte; "é " is not spelled so, and decodes to itself.
        var definition = TinyTokenizer.Definition();
        definition["model"]!["vocab"]!.AsObject().Remove("é");
        definition["added_tokens"]!.AsArray().Add(TinyTokenizer.Added(256, "é"));
        definition["added_tokens"]!.AsArray().Add(TinyTokenizer.Added(257, "é "));
        var tokenizer = TinyTokenizer.Load(definition);

        Assert.Equal([257, 256], tokenizer.Encode("é é"));
        Assert.Equal("é \uFFFD", tokenizer.Decode([257, 256]));
    }

    [Fact]
    public void Encode_ManyLettersWithoutASpace_DecodesToItself()
    {
        var random = new Random(7);
        var text = string.Concat(Enumerable.Range(0, 200_000).Select(_ => (char)('a' + random.Next(26))));

        var ids = s_nano.Encode(text);

        Assert.Equal(text, s_nano.Decode(ids));
        Assert.True(ids.Count < text.Length, "some letters are merged");
    }

    [Fact]
    public void Encode_FromSeveralThreads_GivesTheSameIds()
    {
        var prose = File.ReadAllText(Path.Combine(TestPaths.Nano, "held-out-prose.txt"));
        var tokenizer = DeepseekTokenizer.Load(TestPaths.Nano);
        var results = new IReadOnlyList<int>[8];

        Parallel.For(0, results.Length, i => results[i] = tokenizer.Encode(prose));

        Assert.All(results, ids => Assert.Equal(s_nano.Encode(prose), ids));
    }
}
