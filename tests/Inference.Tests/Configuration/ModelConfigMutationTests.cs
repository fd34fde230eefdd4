using System.Text;
using Deepseek.Inference.Configuration;
using Deepseek.Inference.Diagnostics;
using Deepseek.Inference.Tests.Checkpoints;

namespace Deepseek.Inference.Tests.Configuration;

public sealed class ModelConfigMutationTests
{
    private const int Cases = 3_000;

    // A document, its dictionary of keys, and messages: a small multiple, and a constant for what the runtime sets up once.
    private const long AllocationPerByte = 64;
    private const long AllocationConstant = 1 << 20;

    [Fact]
    public void Parse_MutatedTexts_LoadOrAreRefusedInBoundedMemory()
    {
        byte[][] sources = [.. ConfigText.Folders.Select(folder => File.ReadAllBytes(Path.Combine(folder, ConfigText.File)))];
        var random = new Random(20250120);
        var (loaded, refused) = (0, 0);

        for (var i = 0; i < Cases; i++)
        {
            var text = Mutation.Apply(sources[i % sources.Length], random);
            var before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                var config = ModelConfig.Parse(text, ConfigText.File);
                Assert.InRange(ParameterCounts.Of(config).TotalWithPrediction, 1, 100_000_000_000_000);
                loaded++;
            }
            catch (CheckpointFormatException)
            {
                refused++;
            }

            var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            Assert.True(allocated <= AllocationPerByte * text.Length + AllocationConstant, $"Case {i} allocated {allocated} bytes for {text.Length}: {Encoding.UTF8.GetString(text)}");
        }

        Assert.Equal(Cases, loaded + refused);
        Assert.True(loaded > Cases / 100 && refused > Cases / 4, $"{loaded} loaded, {refused} refused: the mutations are too weak or too strong to say anything.");
    }

    [Fact]
    public void Parse_DeepNesting_IsRefused()
    {
        var json = "{\"a\": " + new string('[', 1_000_000) + new string(']', 1_000_000) + "}";

        Assert.Throws<CheckpointFormatException>(() => ModelConfig.Parse(json, ConfigText.File));
    }

    [Fact]
    public void Parse_ManyKeys_AllocatesASmallMultiple()
    {
        var json = Encoding.UTF8.GetBytes("{" + string.Join(",", Enumerable.Range(0, 200_000).Select(i => $"\"{i:x}\":0")) + "}");
        var before = GC.GetAllocatedBytesForCurrentThread();

        Assert.Throws<CheckpointFormatException>(() => ModelConfig.Parse(json, ConfigText.File));

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, AllocationPerByte * json.Length + AllocationConstant);
    }
}
