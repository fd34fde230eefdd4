using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using Deepseek.Inference.Checkpoints;
using Deepseek.Inference.Tests;

namespace Deepseek.Cli.Tests;

/// <summary>A checkpoint of DeepSeek-V3's architecture with random weights, some 150 MB in BF16: enough that converting it takes a while.</summary>
internal static class LargeCheckpoint
{
    private const int Layers = 7;
    private const int Hidden = 256;
    private const int Experts = 128;
    private const int Inner = 128;
    private const int DenseInner = 512;
    private const int Vocabulary = 256;
    private const int Heads = 4;
    private const int QueryRank = 64;
    private const int LatentRank = 64;

    /// <summary>Writes it into a folder.</summary>
    public static void Write(string folder)
    {
        var config = JsonNode.Parse(File.ReadAllText(Path.Combine(TestPaths.Fixtures, "v3-bf16", "config.json")))!;
        foreach (var (key, value) in new[]
        {
            ("num_hidden_layers", Layers), ("hidden_size", Hidden), ("n_routed_experts", Experts), ("moe_intermediate_size", Inner), ("intermediate_size", DenseInner),
            ("vocab_size", Vocabulary), ("q_lora_rank", QueryRank), ("kv_lora_rank", LatentRank),
        })
            config[key] = value;
        File.WriteAllText(Path.Combine(folder, "config.json"), config.ToJsonString());
        foreach (var name in new[] { "tokenizer.json", "tokenizer_config.json" })
            File.Copy(Path.Combine(TestPaths.Nano, name), Path.Combine(folder, name));

        var random = new Random(20250120);
        SafetensorsWriter.Write(Path.Combine(folder, "model.safetensors"), [.. Shapes().Select(tensor => Tensor(tensor.Name, tensor.Shape, random))]);
    }

    private static IEnumerable<(string Name, long[] Shape)> Shapes()
    {
        const int nope = 16; // of the fixture's configuration, as the next two
        const int rope = 8;
        const int value = 16;
        yield return ("model.embed_tokens.weight", [Vocabulary, Hidden]);
        yield return ("model.norm.weight", [Hidden]);
        yield return ("lm_head.weight", [Vocabulary, Hidden]);
        for (var layer = 0; layer < Layers; layer++)
        {
            var prefix = FormattableString.Invariant($"model.layers.{layer}.");
            yield return (prefix + "input_layernorm.weight", [Hidden]);
            yield return (prefix + "post_attention_layernorm.weight", [Hidden]);
            yield return (prefix + "self_attn.q_a_proj.weight", [QueryRank, Hidden]);
            yield return (prefix + "self_attn.q_a_layernorm.weight", [QueryRank]);
            yield return (prefix + "self_attn.q_b_proj.weight", [Heads * (nope + rope), QueryRank]);
            yield return (prefix + "self_attn.kv_a_proj_with_mqa.weight", [LatentRank + rope, Hidden]);
            yield return (prefix + "self_attn.kv_a_layernorm.weight", [LatentRank]);
            yield return (prefix + "self_attn.kv_b_proj.weight", [Heads * (nope + value), LatentRank]);
            yield return (prefix + "self_attn.o_proj.weight", [Hidden, Heads * value]);
            if (layer > 0)
            {
                yield return (prefix + "mlp.gate.weight", [Experts, Hidden]);
                yield return (prefix + "mlp.gate.e_score_correction_bias", [Experts]);
            }

            var feedForwards = layer == 0
                ? [("mlp", DenseInner)]
                : Enumerable.Range(0, Experts).Select(expert => (FormattableString.Invariant($"mlp.experts.{expert}"), Inner)).Append(("mlp.shared_experts", Inner));
            foreach (var (part, inner) in feedForwards)
            {
                yield return ($"{prefix}{part}.gate_proj.weight", [inner, Hidden]);
                yield return ($"{prefix}{part}.up_proj.weight", [inner, Hidden]);
                yield return ($"{prefix}{part}.down_proj.weight", [Hidden, inner]);
            }
        }
    }

    private static SafetensorsTensor Tensor(string name, long[] shape, Random random) => new(name, TensorType.BF16, shape, stream =>
    {
        var values = new ushort[shape.Aggregate(1L, (product, size) => product * size)];
        random.NextBytes(MemoryMarshal.AsBytes(values.AsSpan()));
        for (var i = 0; i < values.Length; i++)
            values[i] = (ushort)((values[i] & 0x81FF) | 0x3C00); // ±2⁻⁷ to ±2⁻³
        stream.Write(MemoryMarshal.AsBytes(values.AsSpan()));
    });
}
