using static TorchSharp.torch;

namespace Deepseek.Inference.Quantization;

/// <summary>Reads fp32 numbers from their bytes with operations that every device has: TorchSharp cannot view bytes as another type.</summary>
/// <remarks>
/// A number is its fraction, with the hidden bit, times a power of two: exact in fp64, and exact again when it is narrowed. Finite numbers alone; a store's scales are.
/// </remarks>
internal sealed class FloatBits
{
    private const int Classes = 512; // sign and exponent
    private const int FractionBits = 23;
    private const int Bias = 127;

    private readonly Tensor _hidden; // i32 [512]
    private readonly Tensor _power; // f64 [512]
    private readonly Tensor _one; // i32 [1]
    private readonly Tensor _seven;
    private readonly Tensor _eight;
    private readonly Tensor _sixteen;
    private readonly Tensor _lowSeven;

    /// <param name="tables">Owns the tensors.</param>
    public FloatBits(DeviceTables tables)
    {
        (_one, _seven, _eight, _sixteen, _lowSeven) = (tables.Keep((int[])[1]), tables.Keep((int[])[7]), tables.Eight, tables.Keep((int[])[16]), tables.Keep((int[])[0x7F]));
        _hidden = tables.Keep((int[])[.. Enumerable.Range(0, Classes).Select(one => ExponentOf(one) == 0 ? 0 : 1 << FractionBits)]);
        _power = tables.Keep((double[])[.. Enumerable.Range(0, Classes).Select(one =>
            Math.ScaleB(one >> 8 == 0 ? 1.0 : -1.0, Math.Max(1, ExponentOf(one)) - Bias - FractionBits))]);
    }

    /// <summary>Reads numbers.</summary>
    /// <param name="bytes">Little-endian, u8 [n, 4].</param>
    /// <returns>fp32 [n], in the caller's dispose scope.</returns>
    public Tensor Read(Tensor bytes)
    {
        var words = bytes.to(ScalarType.Int32);
        var (low, middle, high, top) = (words.select(1, 0), words.select(1, 1), words.select(1, 2), words.select(1, 3));
        var fraction = low
            .bitwise_or(middle.bitwise_left_shift(_eight))
            .bitwise_or(high.bitwise_and(_lowSeven).bitwise_left_shift(_sixteen));
        var kind = top.bitwise_left_shift(_one).bitwise_or(high.bitwise_right_shift(_seven)); // sign and exponent
        return fraction.add_(_hidden.index_select(0, kind), HeldScalar.One).to(ScalarType.Float64).mul_(_power.index_select(0, kind)).to(ScalarType.Float32);
    }

    private static int ExponentOf(int one) => one & 0xFF;
}
