using Deepseek.Inference.Checkpoints;
using Deepseek.Inference.Configuration;
using Deepseek.Inference.Models;
using Deepseek.Inference.Quantization;
using static TorchSharp.torch;

namespace Deepseek.Inference.Tests.Models;

/// <summary>A fixture's weights by their names, beside the model that is tested.</summary>
internal sealed class StoredWeights : IDisposable
{
    private readonly CheckpointFolder _source;
    private readonly WeightLoader _loader;
    private readonly List<WeightMatrix> _taken = [];

    public StoredWeights(string folder)
    {
        Config = ModelConfig.Load(folder);
        _source = CheckpointFolder.Open(folder);
        _loader = new WeightLoader(_source, Config, CPU, null, CancellationToken.None);
    }

    public ModelConfig Config { get; }

    /// <summary>Names of all matrices that are no block scales.</summary>
    public IEnumerable<TensorEntry> Matrices => _source.Tensors.Values.Where(tensor => tensor.Shape.Count == 2 && !TensorNames.IsScale(tensor.Name));

    public bool Has(string name) => _loader.Has(name);

    public WeightMatrix Matrix(string name)
    {
        var shape = _source.Tensors[name].Shape;
        var matrix = _loader.Matrix(name, shape[0], shape[1]);
        _taken.Add(matrix);
        return matrix;
    }

    public float[] Vector(string name)
    {
        using var vector = _loader.Vector(name, _source.Tensors[name].ElementCount);
        return vector.ToArray<float>();
    }

    public FeedForwardWeights FeedForward(string prefix) =>
        new(Matrix($"{prefix}.gate_proj.weight"), Matrix($"{prefix}.up_proj.weight"), Matrix($"{prefix}.down_proj.weight"));

    public void Dispose()
    {
        _taken.ForEach(matrix => matrix.Dispose());
        _source.Dispose();
    }
}
