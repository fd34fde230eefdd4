using System.Text;
using System.Text.Json.Nodes;
using Deepseek.Inference.Diagnostics;
using Deepseek.Inference.Tokenization;

namespace Deepseek.Inference.Tests.Tokenization;

public sealed class TokenizerMutationTests
{
    private const int KeptMerges = 24;
    private const int FirstMerged = 263; // nano's ids: 7 control tokens, 256 bytes, then the results of the merges in their order
    private const string Text = "Hello, <think>日本 123</think>  e\u0301 😀\r\n\n don't";

    [Theory]
    [InlineData("tokenizer.json", 2400)]
    [InlineData("tokenizer_config.json", 900)]
    public void Load_DamagedFile_LoadsOrReportsTheFile(string name, int count)
    {
        var files = new Dictionary<string, byte[]>
        {
            ["tokenizer.json"] = SmallNano(),
            ["tokenizer_config.json"] = File.ReadAllBytes(Path.Combine(TestPaths.Nano, "tokenizer_config.json")),
        };
        using var folder = new TemporaryFolder();
        foreach (var (file, content) in files)
            folder.Write(file, content);
        Assert.Equal(Text, RoundTrip(DeepseekTokenizer.Load(folder.Path)));

        var (loaded, refused) = (0, 0);
        for (var seed = 0; seed < count; seed++)
        {
            folder.Write(name, new TokenizerMutations(seed).Mutate(files[name]));
            try
            {
                // What was loaded works; where the damage left a meaning, it may have another.
                RoundTrip(DeepseekTokenizer.Load(folder.Path));
                loaded++;
            }
            catch (CheckpointFormatException fault)
            {
                Assert.StartsWith(folder.Path, fault.File, StringComparison.Ordinal);
                refused++;
            }
            catch (Exception other)
            {
                Assert.Fail($"{name}, seed {seed}: {other}");
            }
        }

        Assert.True(loaded > count / 50 && refused > count / 4, $"{loaded} loaded, {refused} refused: the damage is too great or too small to show anything");
    }

    private static string RoundTrip(DeepseekTokenizer tokenizer)
    {
        tokenizer.Encode(Text, parseSpecialTokens: false);
        return tokenizer.Decode(tokenizer.Encode(Text));
    }

    /// <summary>Nano's tokenizer with its first merges alone: small enough to be damaged thousands of times.</summary>
    private static byte[] SmallNano()
    {
        var root = JsonNode.Parse(File.ReadAllBytes(Path.Combine(TestPaths.Nano, "tokenizer.json")))!;
        var model = root["model"]!;
        var merges = model["merges"]!.AsArray();
        while (merges.Count > KeptMerges)
            merges.RemoveAt(merges.Count - 1);
        var vocabulary = model["vocab"]!.AsObject();
        foreach (var (token, id) in vocabulary.ToList())
        {
            if (id!.GetValue<int>() >= FirstMerged + KeptMerges)
                vocabulary.Remove(token);
        }

        return Encoding.UTF8.GetBytes(root.ToJsonString());
    }
}
