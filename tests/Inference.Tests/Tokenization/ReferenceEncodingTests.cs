using System.Text.Json;
using Deepseek.Inference.Tokenization;

namespace Deepseek.Inference.Tests.Tokenization;

/// <summary>Ids and texts equal those of Hugging Face's tokenizers.</summary>
public sealed class ReferenceEncodingTests
{
    [Fact]
    public void Encode_NanoVocabulary_EqualsReference() =>
        AssertEqualsReference(DeepseekTokenizer.Load(TestPaths.Nano), Path.Combine(TestPaths.Nano, "encodings.jsonl"), expectedCount: 600);

    [Fact]
    public void Encode_DeepseekV3Vocabulary_EqualsReference()
    {
        var text = TestPaths.TextFixtures();

        AssertEqualsReference(DeepseekTokenizer.Load(Path.Combine(text, "deepseek-v3-tokenizer")), Path.Combine(text, "encodings.jsonl"), expectedCount: 600);
    }

    [Fact]
    public void Encode_DeepseekR1Vocabulary_EqualsReference()
    {
        var text = TestPaths.TextFixtures();
        using var folder = new TemporaryFolder();
        var tokenizer = LoadR1(text, folder);

        AssertEqualsReference(tokenizer, Path.Combine(text, "encodings-r1.jsonl"), expectedCount: 80);
        Assert.Equal(128798, tokenizer.TokenId("<think>"));
        Assert.False(tokenizer.IsSpecial(128799));
    }

    [Fact]
    public void Encode_LongProse_DecodesToItself()
    {
        var text = TestPaths.TextFixtures();
        var tokenizer = DeepseekTokenizer.Load(Path.Combine(text, "deepseek-v3-tokenizer"));
        var prose = File.ReadAllText(Path.Combine(text, "shakespeare.txt"));

        var ids = tokenizer.Encode(prose);

        Assert.Equal(prose, tokenizer.Decode(ids));
    }

    /// <summary>R1's vocabulary is V3's, with two place-holders renamed to plain, normalised tokens.</summary>
    private static DeepseekTokenizer LoadR1(string text, TemporaryFolder folder)
    {
        var definition = System.Text.Json.Nodes.JsonNode.Parse(File.ReadAllBytes(Path.Combine(text, "deepseek-v3-tokenizer", "tokenizer.json")))!;
        foreach (var token in definition["added_tokens"]!.AsArray())
        {
            var id = token!["id"]!.GetValue<int>();
            if (id is not (128798 or 128799))
                continue;
            token["content"] = id == 128798 ? "<think>" : "</think>";
            token["special"] = false;
            token["normalized"] = true;
        }

        folder.Write("tokenizer.json", definition.ToJsonString());
        return DeepseekTokenizer.Load(folder.Path);
    }

    private static void AssertEqualsReference(DeepseekTokenizer tokenizer, string file, int expectedCount)
    {
        var count = 0;
        foreach (var line in File.ReadLines(file))
        {
            var expected = JsonSerializer.Deserialize<Encoding>(line, JsonSerializerOptions.Web)!;
            var actual = tokenizer.Encode(expected.Text);

            Assert.True(expected.Ids.SequenceEqual(actual), $"line {count + 1}: {expected.Text}");
            Assert.Equal(expected.Decoded, tokenizer.Decode(expected.Ids));
            Assert.Equal(expected.Decoded, tokenizer.Decode(expected.Ids.AsEnumerable()));
            count++;
        }

        Assert.Equal(expectedCount, count);
    }

    private sealed record Encoding(string Text, int[] Ids, string Decoded);
}
