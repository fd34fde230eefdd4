using Deepseek.Inference.Tokenization;
using FsCheck;
using FsCheck.Fluent;

namespace Deepseek.Inference.Tests.Tokenization;

public sealed class IncrementalDecoderTests
{
    private static readonly DeepseekTokenizer s_bytes = TinyTokenizer.Load(Definition());

    [Fact]
    public void Append_BytesOfCharacters_EmitsWholeCharactersOnly()
    {
        var decoder = s_bytes.CreateDecoder();

        Assert.Equal(["a", "", "", "€", "", "", "", "😀"], new[] { 'a', 0xE2, 0x82, 0xAC, 0xF0, 0x9F, 0x98, 0x80 }.Select(decoder.Append));
        Assert.Equal("", decoder.Flush());
    }

    [Fact]
    public void Append_CharacterThatIsBrokenOff_EmitsReplacementBeforeTheNext()
    {
        var decoder = s_bytes.CreateDecoder();

        Assert.Equal(["", "", "\uFFFDa"], new[] { 0xE2, 0x82, 'a' }.Select(decoder.Append));
    }

    [Fact]
    public void Flush_UnfinishedCharacter_EmitsReplacementAndBeginsAnew()
    {
        var decoder = s_bytes.CreateDecoder();
        decoder.Append(0xF0);
        decoder.Append(0x9F);

        Assert.Equal("\uFFFD", decoder.Flush());
        Assert.Equal("", decoder.Flush());
        Assert.Equal("a", decoder.Append('a'));
    }

    [Fact]
    public void Append_SpecialToken_IsSkippedOnRequest()
    {
        var ids = new[] { 0xC3, 256, 0xA9 };

        Assert.Equal("é", Concatenate(ids, skipSpecialTokens: true)); // the bytes join across the token, as in Decode
        Assert.Equal("\uFFFD<s>\uFFFD", Concatenate(ids, skipSpecialTokens: false));
    }

    [Fact]
    public void Append_AnyIds_ConcatenatesToDecode()
    {
        // Mostly bytes that begin or continue a character, valid or not.
        var id = Gen.Frequency(
            (3, Gen.Choose(0x80, 0xBF)), (3, Gen.Choose(0xC0, 0xFF)), (1, Gen.Choose(0, 0x7F)), (1, Gen.Choose(256, 259)));
        var property = Prop.ForAll(id.ArrayOf().ToArbitrary(), ids =>
            Concatenate(ids, false) == s_bytes.Decode(ids) && Concatenate(ids, true) == s_bytes.Decode(ids, skipSpecialTokens: true));

        Check.One(Config.QuickThrowOnFailure.WithMaxTest(2000).WithReplay(20260301, 1), property);
    }

    [Fact]
    public void Append_EncodedText_EmitsWellFormedTextAndConcatenatesToIt()
    {
        var nano = DeepseekTokenizer.Load(TestPaths.Nano);
        var text = "Straße, 日本語 und 👩‍👩‍👧 <think>𝐀</think>";
        var decoder = nano.CreateDecoder();

        var parts = nano.Encode(text).Select(decoder.Append).ToList();

        Assert.Equal(text, string.Concat(parts));
        Assert.All(parts, part => Assert.DoesNotContain('\uFFFD', part));
        Assert.Equal("", decoder.Flush());
    }

    private static string Concatenate(IEnumerable<int> ids, bool skipSpecialTokens)
    {
        var decoder = s_bytes.CreateDecoder(skipSpecialTokens);
        return string.Concat(ids.Select(decoder.Append)) + decoder.Flush();
    }

    /// <summary>Bytes; a special token; and tokens that end and begin within a character, or hold one.</summary>
    private static System.Text.Json.Nodes.JsonObject Definition()
    {
        var definition = TinyTokenizer.Definition();
        definition["added_tokens"]!.AsArray().Add(TinyTokenizer.Added(256, "<s>"));
        string[] spelled = [Spell(0xF0, 0x9F), Spell(0x98, 0x80, 0xE2), Spell(0xC3, 0xA9, 0xF0, 0x90)];
        for (var i = 0; i < spelled.Length; i++)
            definition["model"]!["vocab"]![spelled[i]] = 257 + i;
        return definition;
    }

    private static string Spell(params byte[] bytes) => string.Concat(bytes.Select(ByteLevelAlphabet.Character));
}
