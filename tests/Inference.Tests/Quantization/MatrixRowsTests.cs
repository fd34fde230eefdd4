using System.Runtime.InteropServices;
using Deepseek.Inference.Checkpoints;
using Deepseek.Inference.Configuration;
using Deepseek.Inference.Diagnostics;
using Deepseek.Inference.Models;
using Deepseek.Inference.Quantization;
using Deepseek.Inference.Tests.Configuration;
using Deepseek.Inference.Tests.Models;

namespace Deepseek.Inference.Tests.Quantization;

public sealed class MatrixRowsTests
{
    private const string Name = "model.layers.0.self_attn.o_proj.weight";

    public static TheoryData<string> Folders => [.. ConfigText.Folders];

    [Theory, MemberData(nameof(Folders))]
    public void Read_EveryMatrixOfACheckpoint_GivesTheBitsThatModelsWidenTo(string folder)
    {
        using var source = CheckpointFolder.Open(folder);
        var config = ModelConfig.Load(folder);
        var names = 0;

        foreach (var (name, rows, columns) in StoredMatrices.Of(source))
        {
            var expected = Widened(source, config, name, rows, columns);

            AssertReads(expected, MatrixRows.Open(source, config, name, rows, columns), seed: names++);
        }

        Assert.True(names >= 16, $"{folder} gave {names} matrices.");
    }

    [Theory]
    [InlineData(TensorType.F64, nameof(MatrixForm.F64))]
    [InlineData(TensorType.F32, nameof(MatrixForm.F32))]
    [InlineData(TensorType.F16, nameof(MatrixForm.F16))]
    [InlineData(TensorType.BF16, nameof(MatrixForm.BF16))]
    [InlineData(TensorType.F8E4M3, nameof(MatrixForm.Fp8E4M3))]
    [InlineData(TensorType.F8E5M2, nameof(MatrixForm.Fp8E5M2))]
    public void Read_EveryType_GivesTheBitsThatModelsWidenTo(TensorType type, string form)
    {
        const int rows = 300, columns = 701; // more than one piece, of an odd length
        using var folder = new AlteredCheckpoint("v3-fp32").Set(Name, type, [rows, columns], RandomValues(type, rows * columns)).Write();
        using var source = CheckpointFolder.Open(folder.Path);
        var config = ModelConfig.Load(folder.Path);

        var actual = MatrixRows.Open(source, config, Name, rows, columns);

        Assert.Equal((Name, rows, columns, form, source.Tensors[Name]), (actual.Name, actual.Rows, actual.Columns, actual.Form.ToString(), actual.Entry));
        AssertReads(Widened(source, config, Name, rows, columns), actual, seed: 1);
    }

    /// <summary>Rows of an odd number of columns begin in the middle of a byte; blocks cross rows; a block may be longer than the matrix.</summary>
    [Theory]
    [InlineData(5, 63, 64, true)]
    [InlineData(7, 352, 64, true)]
    [InlineData(1, 1, 64, false)]
    [InlineData(301, 1001, 128, true)] // several pieces
    [InlineData(3, 65, 2147483632, true)]
    public void Read_Nf4OfAnyShape_GivesTheQuantizersValues(int rows, int columns, int blockSize, bool doubleQuantization)
    {
        var random = new Random(columns);
        var weights = Enumerable.Range(0, rows * columns).Select(_ => (random.NextSingle() * 2) - 1).ToArray();
        var tensor = Nf4Quantizer.Quantize(weights, [rows, columns], new Nf4Options { BlockSize = Math.Min(blockSize, 1 << 20), DoubleQuantization = doubleQuantization }) with { BlockSize = blockSize };
        var expected = new float[weights.Length];
        Nf4Quantizer.Dequantize(tensor with { BlockSize = Math.Min(blockSize, 1 << 20) }, expected);
        using var folder = StoredMatrices.SetNf4(new AlteredCheckpoint("v3-fp32"), Name, tensor).Write();
        using var source = CheckpointFolder.Open(folder.Path);

        var actual = MatrixRows.Open(source, ModelConfig.Load(folder.Path), Name, rows, columns);

        Assert.Equal((MatrixForm.Nf4, blockSize), (actual.Form, actual.Nf4Blocks!.Size));
        AssertReads(expected, actual, seed: 2);
    }

    [Fact]
    public void ReadFp8_RowsOfABlockRow_GivesStoredCodesAndScales()
    {
        using var source = CheckpointFolder.Open(Fixture.Folder("v3-fp8"));
        var rows = MatrixRows.Open(source, ModelConfig.Load(Fixture.Folder("v3-fp8")), "model.layers.0.self_attn.o_proj.weight", 192, 64);
        var (codes, scales) = (new byte[60 * 64], new float[1]);

        rows.ReadFp8(130, 60, codes, scales);

        Assert.Equal((MatrixForm.Fp8Block, (128, 128)), (rows.Form, rows.Fp8BlockSize));
        Assert.Equal(source.Bytes(rows.Entry).Slice(130 * 64, 60 * 64).ToArray(), codes);
        Assert.Equal(MemoryMarshal.Cast<byte, float>(source.Bytes(source.Tensors[TensorNames.ScaleOf(rows.Name)])).Slice(1, 1).ToArray(), scales);
    }

    [Fact]
    public void ReadFp8_WrongArguments_AreNamed()
    {
        using var source = CheckpointFolder.Open(Fixture.Folder("v3-fp8"));
        var config = ModelConfig.Load(Fixture.Folder("v3-fp8"));
        var rows = MatrixRows.Open(source, config, "model.layers.0.self_attn.o_proj.weight", 192, 64);
        var plain = MatrixRows.Open(source, config, TensorNames.Embedding, 256, 192);

        Assert.StartsWith("Rows 100 to 129 must lie in one row of blocks, of 128 rows.", Assert.Throws<ArgumentOutOfRangeException>(() => rows.ReadFp8(100, 30, new byte[30 * 64], new float[1])).Message, StringComparison.Ordinal);
        Assert.StartsWith("codes has 5 elements; it must have 64, to fit the rows asked for.", Assert.Throws<ArgumentException>(() => rows.ReadFp8(0, 1, new byte[5], new float[1])).Message, StringComparison.Ordinal);
        Assert.StartsWith("scales has 2 elements; it must have 1, to fit the rows asked for.", Assert.Throws<ArgumentException>(() => rows.ReadFp8(0, 1, new byte[64], new float[2])).Message, StringComparison.Ordinal);
        Assert.Equal("model.embed_tokens.weight is BF16; codes with block scales are those of Fp8Block alone.", Assert.Throws<InvalidOperationException>(() => plain.ReadFp8(0, 1, new byte[192], new float[2])).Message);
    }

    [Fact]
    public void ReadNf4_WrongArguments_AreNamed()
    {
        var tensor = Nf4Quantizer.Quantize(new float[5 * 63], [5, 63]);
        using var folder = StoredMatrices.SetNf4(new AlteredCheckpoint("v3-fp32"), Name, tensor).Write();
        using var source = CheckpointFolder.Open(folder.Path);
        var config = ModelConfig.Load(folder.Path);
        var (nf4, plain) = (MatrixRows.Open(source, config, Name, 5, 63), MatrixRows.Open(source, config, TensorNames.Embedding, 256, 64));

        Assert.StartsWith("With 63 columns the row begins in the middle of a byte; it must be an even one.", Assert.Throws<ArgumentOutOfRangeException>(() => nf4.ReadNf4(1, 1, new byte[32])).Message, StringComparison.Ordinal);
        Assert.StartsWith("codes has 31 elements; it must have 32, to fit the rows asked for.", Assert.Throws<ArgumentException>(() => nf4.ReadNf4(2, 1, new byte[31])).Message, StringComparison.Ordinal);
        Assert.Equal("model.embed_tokens.weight is F32; codes of NF4 are those of Nf4 alone.", Assert.Throws<InvalidOperationException>(() => plain.ReadNf4(0, 1, new byte[32])).Message);
    }

    [Fact]
    public void Read_RowsOutsideTheMatrix_AreNamed()
    {
        using var source = CheckpointFolder.Open(Fixture.Folder("v3-fp32"));
        var rows = MatrixRows.Open(source, ModelConfig.Load(Fixture.Folder("v3-fp32")), TensorNames.Embedding, 256, 64);

        Assert.StartsWith("The first row must be 0 to 256, the rows of model.embed_tokens.weight.", Assert.Throws<ArgumentOutOfRangeException>(() => rows.Read(257, 0, [])).Message, StringComparison.Ordinal);
        Assert.StartsWith("From row 250 on, model.embed_tokens.weight has 6 rows.", Assert.Throws<ArgumentOutOfRangeException>(() => rows.Read(250, 7, new float[7 * 64])).Message, StringComparison.Ordinal);
        Assert.StartsWith("destination has 63 elements; it must have 64, to fit the rows asked for.", Assert.Throws<ArgumentException>(() => rows.Read(0, 1, new float[63])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_WrongShape_SaysWhatModelsSay()
    {
        using var source = CheckpointFolder.Open(Fixture.Folder("v3-fp32"));

        var error = Assert.Throws<CheckpointFormatException>(() => MatrixRows.Open(source, ModelConfig.Load(Fixture.Folder("v3-fp32")), TensorNames.Embedding, 256, 65));

        Assert.EndsWith("model.embed_tokens.weight: the shape is [256, 64]; config.json asks for [256, 65].", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_SeveralThreads_GivesEachItsRows()
    {
        using var source = CheckpointFolder.Open(Path.Combine(TestPaths.Fixtures, "bnb-qwen2", "bnb"));
        var config = ModelConfig.Load(Path.Combine(TestPaths.Fixtures, "bnb-qwen2", "bnb"));
        var rows = MatrixRows.Open(source, config, "model.layers.0.mlp.down_proj.weight", 192, 352);
        var (alone, together) = (new float[192 * 352], new float[192 * 352]);
        rows.Read(0, 192, alone);

        Parallel.For(0, 192, row => rows.Read(row, 1, together.AsSpan(row * 352, 352)));

        Fixture.AssertSameBits(alone, together);
    }

    private static float[] Widened(CheckpointFolder source, ModelConfig config, string name, long rows, long columns)
    {
        var loader = new WeightLoader(source, config, TorchSharp.torch.CPU, null, CancellationToken.None);
        using var matrix = loader.Matrix(name, rows, columns);
        using var values = matrix.Widen();
        return values.ToArray<float>();
    }

    /// <summary>The whole, no row, the last row, and a run that begins anywhere.</summary>
    private static void AssertReads(float[] expected, MatrixRows rows, int seed)
    {
        var first = new Random(seed).Next(rows.Rows);
        foreach (var (from, count) in new[] { (0, rows.Rows), (rows.Rows, 0), (rows.Rows - 1, 1), (first, rows.Rows - first) })
        {
            var actual = new float[count * rows.Columns];

            rows.Read(from, count, actual);

            Fixture.AssertSameBits(expected[(from * rows.Columns)..((from + count) * rows.Columns)], actual);
        }
    }

    /// <summary>Random bits of every exponent, without NaN, of which torch keeps no payload.</summary>
    private static byte[] RandomValues(TensorType type, int count)
    {
        var bytes = new byte[count * type.Size()];
        new Random(20260301).NextBytes(bytes);
        var (size, nan) = (type.Size(), type == TensorType.F8E5M2 ? 0x7C : 0x7F);
        for (var last = size - 1; last < bytes.Length; last += size)
        {
            if ((bytes[last] & nan) == nan || (type == TensorType.F16 && (bytes[last] & 0x7C) == 0x7C))
                bytes[last] = 0x3C;
        }

        return bytes;
    }
}
