using System.Text.Json;
using System.Text.Json.Nodes;
using Deepseek.Inference.Tokenization;

namespace Deepseek.Inference.Tests.Tokenization;

/// <summary>Each expectation is derived from the pattern by hand; the comment gives the derivation where it is not plain.</summary>
public sealed class TextSplitterTests
{
    public static TheoryData<string, string[]> DeepseekV3Cases => new()
    {
        { "Hello, world!", ["Hello", ",", " world", "!"] },

        // \p{N}{1,3} cuts first; no branch of the main pattern takes a digit, so that they stay as they are.
        { "12345 apples", ["123", "45", " apples"] },

        // The class of ideographs and kana, then punctuation followed by ASCII letters: one piece.
        { "日本語のテキスト!abc", ["日本語のテキスト", "!abc"] },

        // \s*[\r\n]+ gives the two spaces back; \s+(?!\S) leaves one space for " b".
        { "a\n\n  b  \n", ["a", "\n\n", " ", " b", "  \n"] },

        // Beyond U+FFFF: letters U+1D400, digits U+1D7CF (cut by three), a symbol U+1F600. The space before the digits ends its piece.
        { "𝐀𝐁 𝟏𝟐𝟑𝟒 😀!", ["𝐀𝐁", " ", "𝟏𝟐𝟑", "𝟒", " 😀!"] },

        // A combining mark belongs to its word; U+3000 is white space, and joins a word as a single other character.
        { "e\u0301te\u3000fin", ["e\u0301te", "\u3000fin"] },
        { "", [] },
    };

    public static TheoryData<string, string[]> DeepseekV2Cases => new()
    {
        // [\r\n] isolates both breaks. ":-~" includes the ASCII letters, which changes nothing for pieces that are words.
        // " 日本 2024" has no letters or punctuation of the lists; the ideographs and then each digit are cut out of it.
        { "Hi, 日本 2024!\r\n  x", ["Hi", ",", " ", "日本", " ", "2", "0", "2", "4", "!", "\r", "\n", " ", " x"] },

        // U+10400 is in the list of letters, U+1D400 is not: it is left with the space before it.
        { "𐐀𐐁 𝐀", ["𐐀𐐁", " 𝐀"] },

        // \s+$ matches at the end of a piece alone; between ideographs the spaces are what lies between two matches.
        { "日   本   ", ["日", "   ", "本", "   "] },
    };

    public static TheoryData<string, string[]> Qwen2Cases => new()
    {
        // 's … 'd in any case; ſ folds to s. Digits stand alone; the space before them is taken by the last branch.
        { "I'LL don't x'ſa 123", ["I", "'LL", " don", "'t", " x", "'ſ", "a", " ", "1", "2", "3"] },

        // Two symbols beyond U+FFFF are one run; a single one joins the word.
        { "👍🏽ok 🏽ok", ["👍🏽", "ok", " 🏽", "ok"] },
        { "a  b\t\r\n\r\n c", ["a", " ", " b", "\t\r\n\r\n", " c"] },
    };

    public static TheoryData<string, string[]> Llama3Cases => new()
    {
        { "I'Ll 12345", ["I", "'Ll", " ", "123", "45"] },
        { "🏽ok...\n\nx", ["🏽ok", "...\n\n", "x"] },
    };

    public static TheoryData<string, string[]> Gpt2Cases => new()
    {
        { "Hello world's  end 12+3", ["Hello", " world", "'s", " ", " end", " 12", "+", "3"] },
        { "It'S", ["It", "'", "S"] },
    };

    [Theory, MemberData(nameof(DeepseekV3Cases))]
    public void Split_DeepseekV3_GivesDerivedPieces(string text, string[] expected) =>
        AssertSplits(TinyTokenizer.Splits(PublishedPatterns.DeepseekV3), text, expected);

    [Theory, MemberData(nameof(DeepseekV2Cases))]
    public void Split_DeepseekV2_GivesDerivedPieces(string text, string[] expected)
    {
        var component = TinyTokenizer.Splits(PublishedPatterns.DeepseekV2);
        component["pretokenizers"]!.AsArray().Insert(PublishedPatterns.DeepseekV2.Length, new JsonObject { ["type"] = "Digits", ["individual_digits"] = true });

        AssertSplits(component, text, expected);
    }

    [Theory, MemberData(nameof(Qwen2Cases))]
    public void Split_Qwen2_GivesDerivedPieces(string text, string[] expected) =>
        AssertSplits(TinyTokenizer.Splits(PublishedPatterns.Qwen2), text, expected);

    [Theory, MemberData(nameof(Llama3Cases))]
    public void Split_Llama3_GivesDerivedPieces(string text, string[] expected) =>
        AssertSplits(TinyTokenizer.Splits(PublishedPatterns.Llama3), text, expected);

    [Theory, MemberData(nameof(Gpt2Cases))]
    public void Split_ByteLevelWithRegex_GivesDerivedPieces(string text, string[] expected) =>
        AssertSplits(TinyTokenizer.ByteLevel(useRegex: true), text, expected);

    [Fact]
    public void Split_ByteLevelWithoutRegex_KeepsTextWhole() =>
        AssertSplits(TinyTokenizer.ByteLevel(useRegex: false), "a b 1", ["a b 1"]);

    [Fact]
    public void Split_DigitsTogether_GivesRuns()
    {
        var component = TinyTokenizer.Splits();
        component["pretokenizers"]!.AsArray().Insert(0, new JsonObject { ["type"] = "Digits", ["individual_digits"] = false });

        AssertSplits(component, "a123½b", ["a", "123½", "b"]); // ½ is a number (No)
    }

    [Fact]
    public void Split_LiteralPattern_TakesCharactersAsTheyAre()
    {
        var component = TinyTokenizer.Splits("x");
        component["pretokenizers"]![0]!["pattern"] = new JsonObject { ["String"] = "(😀." };

        AssertSplits(component, "a(😀.b(😀b", ["a", "(😀.", "b(😀b"]);
    }

    private static void AssertSplits(JsonObject component, string text, string[] expected)
    {
        using var document = JsonDocument.Parse(new JsonObject { ["pre_tokenizer"] = component }.ToJsonString());
        var splitter = TextSplitterReader.Read(new JsonPart("tokenizer.json", "", document.RootElement));

        var pieces = splitter.Split(text);

        Assert.Equal(expected, pieces.Select(piece => text.Substring(piece.Start, piece.Length)));
    }
}
