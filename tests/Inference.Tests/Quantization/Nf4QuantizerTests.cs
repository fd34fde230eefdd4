using System.Runtime.InteropServices;
using System.Text.Json;
using Deepseek.Inference.Checkpoints;
using Deepseek.Inference.Kernels;
using Deepseek.Inference.Quantization;

namespace Deepseek.Inference.Tests.Quantization;

/// <summary>The quantizer against bitsandbytes, and its search against the published method.</summary>
public sealed class Nf4QuantizerTests
{
    public static TheoryData<string> Cases => [.. JsonDocument.Parse(OpenFixture().Metadata["cases"]).RootElement.EnumerateObject().Select(property => property.Name)];

    [Theory, MemberData(nameof(Cases))]
    public void Quantize_Reference_EqualsBitsandbytesBitForBit(string name)
    {
        using var fixture = OpenFixture();
        var weight = fixture.Tensors[$"{name}.weight"];
        var options = new Nf4Options { Mode = Nf4Mode.Reference, DoubleQuantization = name.EndsWith("double", StringComparison.Ordinal) };

        var tensor = Nf4Quantizer.Quantize(Floats(fixture, weight), weight.Shape, options);

        Assert.Equal(Bytes(fixture, $"{name}.packed"), tensor.Codes);
        if (tensor.Scales is Nf4QuantizedScales scales)
        {
            Assert.Equal(Bytes(fixture, $"{name}.absmax_codes"), scales.Codes);
            Assert.Equal(Floats(fixture, fixture.Tensors[$"{name}.absmax2"]), scales.GroupScales);
            Assert.Equal(Floats(fixture, fixture.Tensors[$"{name}.offset"]).Single(), scales.Offset);
        }
        else
        {
            Assert.Equal(Floats(fixture, fixture.Tensors[$"{name}.absmax"]), ((Nf4PlainScales)tensor.Scales).Values);
        }
    }

    [Theory, MemberData(nameof(Cases))]
    public void Dequantize_Reference_EqualsBitsandbytesBitForBit(string name)
    {
        using var fixture = OpenFixture();
        var weight = fixture.Tensors[$"{name}.weight"];
        var expected = Floats(fixture, fixture.Tensors[$"{name}.decoded"]);
        var options = new Nf4Options { Mode = Nf4Mode.Reference, DoubleQuantization = name.EndsWith("double", StringComparison.Ordinal) };
        var actual = new float[expected.Length];

        Nf4Quantizer.Dequantize(Nf4Quantizer.Quantize(Floats(fixture, weight), weight.Shape, options), actual);

        // bitsandbytes rounds what it decodes to the type of the weights.
        if (weight.Type == TensorType.BF16)
            actual = Array.ConvertAll(actual, RoundToBFloat16);
        Assert.Equal(expected, actual);
    }

    [Fact]
    public void DynamicCode8_Values_EqualBitsandbytesMap()
    {
        using var fixture = OpenFixture();

        Assert.Equal(Floats(fixture, fixture.Tensors["dynamic_map"]), DynamicCode8.Values.ToArray());
        Assert.Equal(Floats(fixture, fixture.Tensors["nf4_map"]), Nf4.Levels.ToArray());
    }

    /// <summary>By how much the root-mean-square error must fall, in percent: below what a finer search reaches (7.7, 5.7).</summary>
    [Theory]
    [InlineData("gaussian", 7.0)]
    [InlineData("student-t5", 5.0)]
    public void Quantize_Searched_LeavesLessErrorAtTheSameBits(string distribution, double percent)
    {
        var random = new Random(20260104);
        var weights = Enumerable.Range(0, 1 << 18).Select(_ => (float)(0.02 * (distribution == "gaussian" ? Normal(random) : StudentT5(random)))).ToArray();

        var (reference, searched) = (Decoded(weights, Nf4Mode.Reference), Decoded(weights, Nf4Mode.Searched));

        Assert.Equal(reference.Bytes, searched.Bytes);
        Assert.InRange(100 * (1 - (Rms(weights, searched.Values) / Rms(weights, reference.Values))), percent, 20);
        for (var block = 0; block < weights.Length; block += 64)
        {
            var part = new Range(block, block + 64);
            Assert.True(Rms(weights[part], searched.Values[part]) <= Rms(weights[part], reference.Values[part]) * (1 + 1e-6), $"Block {block / 64} became worse.");
        }
    }

    [Fact]
    public void Quantize_SearchedOnNanosExperts_LeavesLessError()
    {
        using var source = CheckpointFolder.Open(TestPaths.Nano);
        var (reference, searched) = (0.0, 0.0);
        foreach (var tensor in source.Tensors.Values.Where(tensor => tensor.Type == TensorType.F8E4M3 && tensor.Name.StartsWith("model.layers.2.mlp.experts.", StringComparison.Ordinal)))
        {
            var weights = Decode(source, tensor);
            reference += Math.Pow(Rms(weights, Decoded(weights, Nf4Mode.Reference).Values), 2);
            searched += Math.Pow(Rms(weights, Decoded(weights, Nf4Mode.Searched).Values), 2);
        }

        Assert.InRange(100 * (1 - Math.Sqrt(searched / reference)), 5, 20);
    }

    [Fact]
    public void Quantize_ColumnImportance_FavoursTheImportantColumns()
    {
        var random = new Random(20260105);
        var weights = Enumerable.Range(0, 64 * 256).Select(_ => (float)Normal(random)).ToArray();
        var importance = Enumerable.Range(0, 256).Select(column => column % 64 < 8 ? 100f : 1f).ToArray();
        long[] shape = [64, 256];

        var plain = new float[weights.Length];
        var weighted = new float[weights.Length];
        Nf4Quantizer.Dequantize(Nf4Quantizer.Quantize(weights, shape), plain);
        Nf4Quantizer.Dequantize(Nf4Quantizer.Quantize(weights, shape, new Nf4Options { ColumnImportance = importance }), weighted);

        double Error(float[] decoded) => weights.Select((weight, i) => Math.Pow(weight - decoded[i], 2) * importance[i % 256]).Sum();
        Assert.True(Error(weighted) < 0.9 * Error(plain), $"{Error(weighted)} is not below {Error(plain)}.");
    }

    [Fact]
    public void Quantize_RaggedEnd_HasAScaleOfItsOwn()
    {
        float[] weights = [.. Enumerable.Repeat(1f, 64), 0.25f, -0.5f, 0.5f];
        var decoded = new float[67];

        var tensor = Nf4Quantizer.Quantize(weights, [67], new Nf4Options { Mode = Nf4Mode.Reference, DoubleQuantization = false });
        Nf4Quantizer.Dequantize(tensor, decoded);

        Assert.Equal([1f, 0.5f], ((Nf4PlainScales)tensor.Scales).Values);
        Assert.Equal([-0.5f, 0.5f], decoded[65..]);
        Assert.Equal(34 + 8, tensor.ByteSize);
    }

    [Fact]
    public void Quantize_FaultyOptions_ReportsAllAtOnce()
    {
        var options = new Nf4Options { BlockSize = 20, Mode = (Nf4Mode)9, ColumnImportance = new float[] { 1, float.NaN } };

        var error = Assert.Throws<ArgumentException>(() => Nf4Quantizer.Quantize(new float[64], [1, 64], options));

        Assert.Equal("Nf4Options: BlockSize is 20; it must be a positive multiple of 16. Mode is 9; it must be Searched or Reference. ColumnImportance has 2 elements; it must have 64, one for every column. ColumnImportance[1] is NaN; it must be finite and 0 or more.", error.Message);
    }

    [Fact]
    public void Quantize_WrongInput_NamesIt()
    {
        var weights = new float[64];
        weights[3] = float.PositiveInfinity;

        Assert.StartsWith("There are 64 weights; the shape [2, 64] asks for 128.", Assert.Throws<ArgumentException>(() => Nf4Quantizer.Quantize(new float[64], [2, 64])).Message, StringComparison.Ordinal);
        Assert.StartsWith("A weight of block 0 has the magnitude Infinity; NF4 needs finite weights.", Assert.Throws<ArgumentException>(() => Nf4Quantizer.Quantize(weights, [64])).Message, StringComparison.Ordinal);
        Assert.StartsWith("destination has 1 elements; the tensor has 64.", Assert.Throws<ArgumentException>(() => Nf4Quantizer.Dequantize(Nf4Quantizer.Quantize(new float[64], [64]), new float[1])).Message, StringComparison.Ordinal);
        Assert.StartsWith("destination has 3 elements; it must have 2, one for every block.", Assert.Throws<ArgumentException>(() => new Nf4PlainScales(new float[2]).Decode(new float[3])).Message, StringComparison.Ordinal);
    }

    private static (float[] Values, long Bytes) Decoded(float[] weights, Nf4Mode mode)
    {
        var tensor = Nf4Quantizer.Quantize(weights, [weights.Length], new Nf4Options { Mode = mode });
        var decoded = new float[weights.Length];
        Nf4Quantizer.Dequantize(tensor, decoded);
        return (decoded, tensor.ByteSize);
    }

    private static double Rms(float[] expected, float[] actual) => Math.Sqrt(expected.Zip(actual, (e, a) => Math.Pow((double)e - a, 2)).Sum() / expected.Length);

    private static double Normal(Random random) => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());

    private static double StudentT5(Random random) => Normal(random) / Math.Sqrt(Enumerable.Range(0, 5).Sum(_ => Math.Pow(Normal(random), 2)) / 5);

    private static float[] Decode(CheckpointFolder source, TensorEntry tensor)
    {
        var scales = source.Tensors[TensorNames.ScaleOf(tensor.Name)];
        var codes = new byte[tensor.ByteLength];
        var factors = new float[scales.ElementCount];
        source.Read(tensor, 0, codes);
        source.Read(scales, 0, MemoryMarshal.AsBytes(factors.AsSpan()));
        var weights = new float[codes.Length];
        Fp8E4M3.DecodeBlocks(codes, (int)tensor.Shape[0], (int)tensor.Shape[1], factors, 128, 128, weights);
        return weights;
    }

    /// <summary>To the nearest, ties to even.</summary>
    private static float RoundToBFloat16(float value)
    {
        var bits = BitConverter.SingleToUInt32Bits(value);
        return BitConverter.UInt32BitsToSingle((bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000);
    }

    private static SafetensorsFile OpenFixture() => SafetensorsFile.Open(Path.Combine(TestPaths.Fixtures, "nf4.safetensors"));

    private static byte[] Bytes(SafetensorsFile file, string name) => file.Bytes(file.Tensors[name]).ToArray();

    private static float[] Floats(SafetensorsFile file, TensorEntry tensor)
    {
        var bytes = file.Bytes(tensor);
        if (tensor.Type == TensorType.F32)
            return MemoryMarshal.Cast<byte, float>(bytes).ToArray();
        var values = new float[tensor.ElementCount];
        Widen.FromBFloat16(MemoryMarshal.Cast<byte, ushort>(bytes), values);
        return values;
    }
}
