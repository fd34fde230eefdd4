using Deepseek.Inference.Checkpoints;
using Deepseek.Inference.Configuration;
using Deepseek.Inference.Layers;

namespace Deepseek.Inference.Models;

/// <summary>Builds the layers of the distilled models.</summary>
internal static class DenseModelBuilder
{
    public static DenseModel Build(IWeights loader, ModelConfig config, ModelOptions options, string path, IDisposable source)
    {
        var layers = Enumerable.Range(0, config.LayerCount).Select(layer => Layer(loader, config, layer)).ToArray();
        return new DenseModel(ModelLoader.Finish(loader, config, options, path, source, config.HeadSize, layers));
    }

    private static DecoderLayer Layer(IWeights loader, ModelConfig config, int layer) => new(
        loader.Norm(TensorNames.Layer(layer, "input_layernorm.weight"), config.HiddenSize),
        Attention(loader, config, TensorNames.Layer(layer, "self_attn")),
        loader.Norm(TensorNames.Layer(layer, "post_attention_layernorm.weight"), config.HiddenSize),
        new SwiGlu(loader.FeedForward(TensorNames.Layer(layer, "mlp"), config.IntermediateSize)));

    private static GroupedQueryAttention Attention(IWeights loader, ModelConfig config, string prefix)
    {
        var queries = (long)config.HeadCount * config.HeadSize;
        var keys = (long)config.KeyValueHeadCount * config.HeadSize;
        return new GroupedQueryAttention(config.HeadCount, config.KeyValueHeadCount, config.HeadSize, new GroupedQueryWeights(
            loader.Matrix($"{prefix}.q_proj.weight", queries, config.HiddenSize), Bias("q_proj", queries),
            loader.Matrix($"{prefix}.k_proj.weight", keys, config.HiddenSize), Bias("k_proj", keys),
            loader.Matrix($"{prefix}.v_proj.weight", keys, config.HiddenSize), Bias("v_proj", keys),
            loader.Matrix($"{prefix}.o_proj.weight", config.HiddenSize, queries)));

        TorchSharp.torch.Tensor? Bias(string name, long length) =>
            config.AttentionBias ? loader.Vector($"{prefix}.{name}.bias", length) : null;
    }
}
