using System.Runtime.InteropServices;
using Deepseek.Inference.Checkpoints;
using Deepseek.Inference.Configuration;
using Deepseek.Inference.Diagnostics;
using Deepseek.Inference.Quantization;
using Deepseek.Inference.Tests.Checkpoints;
using Deepseek.Inference.Tests.Models;
using FsCheck;
using FsCheck.Fluent;

namespace Deepseek.Inference.Tests.Quantization;

/// <summary>Matrices quantized slice by slice against the whole at once.</summary>
public sealed class Nf4MatrixQuantizerTests
{
    private const string Name = "model.layers.0.self_attn.o_proj.weight";

    public static TheoryData<string, Nf4Mode> Folders => new(
        from folder in (string[])[TestPaths.Nano, Fixture.Folder("v3-fp8"), Fixture.Folder("v3-bf16"), Path.Combine(TestPaths.Fixtures, "bnb-qwen2", "plain")]
        from mode in Enum.GetValues<Nf4Mode>()
        select (folder, mode));

    [Theory, MemberData(nameof(Folders))]
    public void Encode_EveryMatrixOfACheckpoint_EqualsTheWholeAtOnce(string folder, Nf4Mode mode)
    {
        using var source = CheckpointFolder.Open(folder);
        var config = ModelConfig.Load(folder);
        foreach (var (name, rows, columns) in StoredMatrices.Of(source).Take(40))
            AssertEncodes(MatrixRows.Open(source, config, name, rows, columns), new Nf4Options { Mode = mode });
    }

    /// <summary>Several slices; rows that are no multiple of a block; blocks that begin in the middle of a row; a block longer than the matrix.</summary>
    [Theory]
    [InlineData(3001, 352, 64)]
    [InlineData(1001, 301, 64)]
    [InlineData(7, 70001, 128)]
    [InlineData(3, 5, 64)]
    [InlineData(2100, 256, 64)]
    public void Encode_AnyShape_EqualsTheWholeAtOnce(int rows, int columns, int blockSize)
    {
        using var folder = Written(Random(rows * columns, seed: columns), rows, columns);
        using var source = CheckpointFolder.Open(folder.Path);
        var matrix = MatrixRows.Open(source, ModelConfig.Load(folder.Path), Name, rows, columns);
        var importance = Random(columns, seed: 3).Select(MathF.Abs).ToArray();

        AssertEncodes(matrix, new Nf4Options { Mode = Nf4Mode.Reference, BlockSize = blockSize });
        AssertEncodes(matrix, new Nf4Options { Mode = Nf4Mode.Searched, BlockSize = blockSize });
        AssertEncodes(matrix, new Nf4Options { Mode = Nf4Mode.Searched, BlockSize = blockSize, ColumnImportance = importance });
    }

    [Fact]
    public void Encode_AnyCutOfAnyShape_EqualsTheWholeAtOnce()
    {
        var cases = from rows in Gen.Choose(1, 200) from columns in Gen.Choose(1, 150) from cut in Gen.Choose(0, 200) select (rows, columns, cut);

        Prop.ForAll(cases.ToArbitrary(), AnyCut).Check(Config.QuickThrowOnFailure.WithMaxTest(40).WithReplay(20250120, 1));

        static void AnyCut((int Rows, int Columns, int Cut) shape)
        {
            var (rows, columns, cut) = shape;
            var weights = Random(rows * columns, seed: rows);
            using var folder = Written(weights, rows, columns);
            using var source = CheckpointFolder.Open(folder.Path);
            var expected = Nf4Quantizer.Quantize(weights, [rows, columns]);
            var quantizer = Nf4MatrixQuantizer.Prepare(MatrixRows.Open(source, ModelConfig.Load(folder.Path), Name, rows, columns), new Nf4Options(), CancellationToken.None);
            var first = Math.Min(cut, rows - 1) / quantizer.RowAlignment * quantizer.RowAlignment;
            var (start, block) = (first * columns, first * columns / 64);
            var (codes, scaleCodes) = (new byte[expected.Codes.Length - (start / 2)], new byte[expected.Scales.Count - block]);

            quantizer.Encode(first, rows - first, codes, scaleCodes);

            Assert.Equal(expected.Codes[(start / 2)..], codes);
            Assert.Equal(((Nf4QuantizedScales)expected.Scales).Codes[block..], scaleCodes);
        }
    }

    [Fact]
    public void Prepare_Nf4WithTheSameBlocks_KeepsItsOwnBits()
    {
        var folder = Path.Combine(TestPaths.Fixtures, "bnb-qwen2", "bnb");
        using var source = CheckpointFolder.Open(folder);
        const string name = "model.layers.1.mlp.down_proj.weight";
        var stored = (Nf4QuantizedScales)new BitsandbytesReader(source).Read(name, 192, 352).Scales;
        var rows = MatrixRows.Open(source, ModelConfig.Load(folder), name, 192, 352);

        var quantizer = Nf4MatrixQuantizer.Prepare(rows, new Nf4Options(), CancellationToken.None);
        var (codes, scaleCodes) = (new byte[100 * 352 / 2], new byte[100 * 352 / 64]);
        quantizer.Encode(92, 100, codes, scaleCodes);

        Assert.Equal(source.Bytes(rows.Entry)[(92 * 352 / 2)..].ToArray(), codes);
        Assert.Equal(stored.Codes[(92 * 352 / 64)..], scaleCodes);
        Assert.Equal(stored.Offset, quantizer.Offset);
        Assert.Equal(stored.GroupScales, quantizer.GroupScales);
    }

    [Fact]
    public void Prepare_Nf4WithOtherBlocks_QuantizesItsValues()
    {
        var folder = Path.Combine(TestPaths.Fixtures, "bnb-qwen2", "bnb");
        using var source = CheckpointFolder.Open(folder);

        AssertEncodes(MatrixRows.Open(source, ModelConfig.Load(folder), "model.layers.1.mlp.down_proj.weight", 192, 352), new Nf4Options { BlockSize = 32 });
    }

    [Theory]
    [InlineData(float.NaN, "a weight of row 5 or soon after has the magnitude NaN; NF4 needs finite weights.")]
    [InlineData(float.NegativeInfinity, "a weight of row 5 or soon after has the magnitude Infinity; NF4 needs finite weights.")]
    public void Prepare_WeightNotFinite_NamesTheRow(float weight, string reason)
    {
        var weights = Random(10 * 64, seed: 1);
        weights[(5 * 64) + 7] = weight;

        var error = Assert.Throws<CheckpointFormatException>(() => Prepare(weights, 10, 64, new Nf4Options()));

        Assert.EndsWith($"model.safetensors: {Name}: {reason}", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Prepare_MeanNotFinite_SaysSo()
    {
        var error = Assert.Throws<CheckpointFormatException>(() => Prepare([.. Enumerable.Repeat(float.MaxValue, 128)], 2, 64, new Nf4Options()));

        Assert.EndsWith($"{Name}: the largest magnitudes of its blocks have no finite mean; NF4 needs smaller weights.", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Prepare_Cancelled_Stops()
    {
        using var folder = Written(new float[64], 1, 64);
        using var source = CheckpointFolder.Open(folder.Path);
        var rows = MatrixRows.Open(source, ModelConfig.Load(folder.Path), Name, 1, 64);

        Assert.Throws<OperationCanceledException>(() => Nf4MatrixQuantizer.Prepare(rows, new Nf4Options(), new CancellationToken(canceled: true)));
    }

    [Fact]
    public void Prepare_FaultyOptions_NamesThem()
    {
        Assert.StartsWith("DoubleQuantization is false; a matrix that is quantized slice by slice has quantized scales.", Assert.Throws<ArgumentException>(() => Prepare(new float[64], 1, 64, new Nf4Options { DoubleQuantization = false })).Message, StringComparison.Ordinal);
        Assert.StartsWith("Nf4Options: BlockSize is 20; it must be a positive multiple of 16.", Assert.Throws<ArgumentException>(() => Prepare(new float[64], 1, 64, new Nf4Options { BlockSize = 20 })).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Encode_WrongArguments_AreNamed()
    {
        using var folder = Written(new float[10 * 352], 10, 352);
        using var source = CheckpointFolder.Open(folder.Path);
        var quantizer = Nf4MatrixQuantizer.Prepare(MatrixRows.Open(source, ModelConfig.Load(folder.Path), Name, 10, 352), new Nf4Options(), CancellationToken.None);

        Assert.Equal((2, 55), (quantizer.RowAlignment, quantizer.BlockCount));
        Assert.StartsWith($"The first row of {Name} must be a multiple of 2, 0 to 10, so that a block begins with it.", Assert.Throws<ArgumentOutOfRangeException>(() => quantizer.Encode(1, 2, new byte[352], new byte[11])).Message, StringComparison.Ordinal);
        Assert.StartsWith($"From row 4 on, {Name} has 6 rows; fewer must be a multiple of 2, so that a block ends with them.", Assert.Throws<ArgumentOutOfRangeException>(() => quantizer.Encode(4, 3, new byte[528], new byte[17])).Message, StringComparison.Ordinal);
        Assert.StartsWith("codes has 351 elements; it must have 352, to fit the rows asked for.", Assert.Throws<ArgumentException>(() => quantizer.Encode(0, 2, new byte[351], new byte[11])).Message, StringComparison.Ordinal);
        Assert.StartsWith("scaleCodes has 12 elements; it must have 11, to fit the rows asked for.", Assert.Throws<ArgumentException>(() => quantizer.Encode(0, 2, new byte[352], new byte[12])).Message, StringComparison.Ordinal);
    }

    private static void Prepare(float[] weights, int rows, int columns, Nf4Options options)
    {
        using var folder = Written(weights, rows, columns);
        using var source = CheckpointFolder.Open(folder.Path);
        Nf4MatrixQuantizer.Prepare(MatrixRows.Open(source, ModelConfig.Load(folder.Path), Name, rows, columns), options, CancellationToken.None);
    }

    /// <summary>On all cores, and in two parts on one.</summary>
    private static void AssertEncodes(MatrixRows rows, Nf4Options options)
    {
        var weights = new float[rows.Rows * rows.Columns];
        rows.Read(0, rows.Rows, weights);
        var expected = Nf4Quantizer.Quantize(weights, [rows.Rows, rows.Columns], options);
        var scales = (Nf4QuantizedScales)expected.Scales;

        var quantizer = Nf4MatrixQuantizer.Prepare(rows, options, TestContext.Current.CancellationToken);
        var (codes, scaleCodes) = (new byte[expected.Codes.Length], new byte[quantizer.BlockCount]);
        quantizer.Encode(0, rows.Rows, codes, scaleCodes, TestContext.Current.CancellationToken);
        var (codesOfParts, scaleCodesOfParts) = (new byte[codes.Length], new byte[scaleCodes.Length]);
        var cut = rows.Rows / 3 / quantizer.RowAlignment * quantizer.RowAlignment;
        var (bytes, blocks) = ((int)((long)cut * rows.Columns / 2), (int)((long)cut * rows.Columns / options.BlockSize));
        quantizer.Encode(0, cut, codesOfParts.AsSpan(0, bytes), scaleCodesOfParts.AsSpan(0, blocks));
        quantizer.Encode(cut, rows.Rows - cut, codesOfParts.AsSpan(bytes), scaleCodesOfParts.AsSpan(blocks));

        Assert.Equal(scales.Offset, quantizer.Offset);
        Assert.Equal(scales.GroupScales, quantizer.GroupScales);
        Assert.Equal(expected.Codes, codes);
        Assert.Equal(scales.Codes, scaleCodes);
        Assert.Equal(codes, codesOfParts);
        Assert.Equal(scaleCodes, scaleCodesOfParts);
    }

    private static TemporaryFolder Written(float[] weights, int rows, int columns) =>
        new AlteredCheckpoint("v3-fp32").Set(Name, TensorType.F32, [rows, columns], MemoryMarshal.AsBytes<float>(weights).ToArray()).Write();

    private static float[] Random(int count, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => (random.NextSingle() + random.NextSingle() + random.NextSingle() - 1.5f) * 0.1f)];
    }
}
