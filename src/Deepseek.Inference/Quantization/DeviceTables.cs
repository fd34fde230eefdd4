using Deepseek.Inference.Kernels;
using static TorchSharp.torch;

namespace Deepseek.Inference.Quantization;

/// <summary>What the codes of a page store stand for, as tensors of a device; made once and shared by all matrices on it.</summary>
/// <remarks>A table read gives exactly the number that the kernels of the host use, on any device.</remarks>
internal sealed class DeviceTables : IDisposable
{
    private readonly Device _device;
    private readonly Dictionary<WeightPrecision, Tensor> _values = [];
    private readonly Dictionary<BandLayout, BandDecoder> _decoders = [];
    private readonly List<Tensor> _owned = [];
    private readonly Lock _lock = new();

    /// <summary>Makes the constants; tables follow when a precision is first asked for.</summary>
    public DeviceTables(Device device)
    {
        _device = device;
        (LowNibble, Four, Eight) = (Keep((byte[])[0xF]), Keep((byte[])[4]), Keep((int[])[8]));
        Signed = Keep((float[])[.. Enumerable.Range(0, 256).Select(code => (float)(sbyte)code)]);
        Dynamic = Keep(DynamicCode8.Values.ToArray());
        Floats = new FloatBits(this);
    }

    /// <summary>0xF, u8 [1].</summary>
    public Tensor LowNibble { get; }

    /// <summary>4, u8 [1].</summary>
    public Tensor Four { get; }

    /// <summary>8, i32 [1].</summary>
    public Tensor Eight { get; }

    /// <summary>Bytes as signed whole numbers, [256].</summary>
    public Tensor Signed { get; }

    /// <summary>The dynamic code of bitsandbytes, [256].</summary>
    public Tensor Dynamic { get; }

    /// <summary>Reads fp32 numbers from their bytes.</summary>
    public FloatBits Floats { get; }

    /// <summary>Reads matrices of a layout.</summary>
    public BandDecoder Decoder(BandLayout layout)
    {
        lock (_lock)
        {
            if (!_decoders.TryGetValue(layout, out var decoder))
                _decoders.Add(layout, decoder = new BandDecoder(layout, this));
            return decoder;
        }
    }

    /// <summary>The value of every code, [16], [256] or [65,536].</summary>
    public Tensor Values(WeightPrecision precision)
    {
        lock (_lock)
        {
            if (!_values.TryGetValue(precision, out var table))
                _values.Add(precision, table = Keep(Table(precision)));
            return table;
        }
    }

    /// <summary>A tensor of the device that lives as long as this.</summary>
    public Tensor Keep(byte[] values) => Keep(tensor(values, ScalarType.Byte, _device));

    /// <inheritdoc cref="Keep(byte[])"/>
    public Tensor Keep(int[] values) => Keep(tensor(values, ScalarType.Int32, _device));

    /// <inheritdoc cref="Keep(byte[])"/>
    public Tensor Keep(long[] values) => Keep(tensor(values, ScalarType.Int64, _device));

    /// <inheritdoc cref="Keep(byte[])"/>
    public Tensor Keep(float[] values) => Keep(tensor(values, ScalarType.Float32, _device));

    /// <inheritdoc cref="Keep(byte[])"/>
    public Tensor Keep(double[] values) => Keep(tensor(values, ScalarType.Float64, _device));

    public void Dispose() => _owned.ForEach(tensor => tensor.Dispose());

    private Tensor Keep(Tensor made)
    {
        _owned.Add(made.DetachFromDisposeScope());
        return made;
    }

    private static float[] Table(WeightPrecision precision) => precision switch
    {
        WeightPrecision.Nf4 or WeightPrecision.Nf4Dynamic => Nf4.Levels.ToArray(),
        WeightPrecision.Fp8 => [.. Enumerable.Range(0, 256).Select(code => Fp8E4M3.DecodeScalar((byte)code))],
        WeightPrecision.F16 => [.. Enumerable.Range(0, 65_536).Select(code => (float)BitConverter.UInt16BitsToHalf((ushort)code))],
        WeightPrecision.BF16 => [.. Enumerable.Range(0, 65_536).Select(code => BitConverter.Int32BitsToSingle(code << 16))],
        _ => throw new ArgumentOutOfRangeException(nameof(precision), precision, "The precision has no table of codes."),
    };
}
