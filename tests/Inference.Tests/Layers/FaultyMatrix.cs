using Deepseek.Inference.Quantization;
using static TorchSharp.torch;

namespace Deepseek.Inference.Tests.Layers;

/// <summary>A matrix whose rows cannot be had while it is told to fail.</summary>
internal sealed unsafe class FaultyMatrix(Tensor stored) : WeightMatrix(stored.shape[0], stored.shape[1])
{
    private readonly FloatMatrix _rows = new(stored);

    public bool Fails { get; set; }

    public override long ByteSize => _rows.ByteSize;

    public override Tensor Widen(long first, long count) => _rows.Widen(first, count);

    public override Tensor Gather(Tensor rows) => _rows.Gather(rows);

    public override void Dispose() => _rows.Dispose();

    protected override void WidenRowsOnHost(long first, int count, float* destination)
    {
        if (Fails)
            throw new IOException("The rows cannot be read.");
        _rows.WidenRows(first, count, destination);
    }
}
