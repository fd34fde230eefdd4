using System.Runtime.InteropServices;
using Deepseek.Inference.Kernels;
using Deepseek.Inference.Quantization;
using static TorchSharp.torch;

namespace Deepseek.Inference.Tests.Quantization;

/// <summary>Matrices decoded by tensor operations against the kernels' decoding, bit for bit, with the CPU as device.</summary>
public sealed class DeviceBandMatrixTests
{
    // Around a tile (4 rows), a band (64), several bands; around a block (64 columns), a line of 4 bits (128), and more than a group of 256 blocks a band.
    private static readonly int[] RowCounts = [1, 3, 63, 64, 65, 128, 200];
    private static readonly int[] ColumnCounts = [1, 31, 64, 65, 128, 191, 320];

    public static TheoryData<WeightPrecision> Precisions => [.. Enum.GetValues<WeightPrecision>()];

    [Theory, MemberData(nameof(Precisions))]
    public void Widen_AnySize_GivesTheBitsOfTheKernels(WeightPrecision precision)
    {
        using var tables = new DeviceTables(CPU);
        foreach (var layout in from rows in RowCounts from columns in ColumnCounts select new BandLayout(precision, rows, columns))
        {
            var bytes = DeviceBands.Random(layout, seed: layout.Rows + layout.Columns);
            using var memory = tensor(bytes, ScalarType.Byte);
            var matrix = new DeviceBandMatrix(tables.Decoder(layout), BandPlacement.Contiguous(layout), memory, 0);

            using var actual = matrix.Widen();

            Assert.Equal([layout.Rows, layout.Columns], actual.shape);
            DeviceBands.AssertSameBits(DeviceBands.Decode(layout, bytes), actual);
        }
    }

    [Theory, MemberData(nameof(Precisions))]
    public void Widen_TwoMatricesInTurnsWithinALargerMemory_GivesEachItsOwn(WeightPrecision precision)
    {
        const int before = 4096;
        using var tables = new DeviceTables(CPU);
        foreach (var rows in RowCounts)
        {
            var layout = new BandLayout(precision, rows, 130);
            var (even, odd) = BandPlacement.Interleaved(layout);
            byte[][] bytes = [DeviceBands.Random(layout, 1), DeviceBands.Random(layout, 2)];
            var record = new byte[before + (2 * layout.ByteLength)];
            for (var band = 0; band < layout.BandCount; band++)
            {
                bytes[0].AsSpan((int)layout.OffsetOf(band), layout.BytesOf(band)).CopyTo(record.AsSpan(before + (int)even.OffsetOf(band)));
                bytes[1].AsSpan((int)layout.OffsetOf(band), layout.BytesOf(band)).CopyTo(record.AsSpan(before + (int)odd.OffsetOf(band)));
            }

            using var memory = tensor(record, ScalarType.Byte);
            using var first = new DeviceBandMatrix(tables.Decoder(layout), even, memory, before).Widen();
            using var second = new DeviceBandMatrix(tables.Decoder(layout), odd, memory, before).Widen();

            DeviceBands.AssertSameBits(DeviceBands.Decode(layout, bytes[0]), first);
            DeviceBands.AssertSameBits(DeviceBands.Decode(layout, bytes[1]), second);
        }
    }

    [Theory, MemberData(nameof(Precisions))]
    public void Widen_PartsOfTheRows_AreThoseOfTheWhole(WeightPrecision precision)
    {
        using var tables = new DeviceTables(CPU);
        var layout = new BandLayout(precision, 200, 191);
        var bytes = DeviceBands.Random(layout, seed: 7);
        using var memory = tensor(bytes, ScalarType.Byte);
        var matrix = new DeviceBandMatrix(tables.Decoder(layout), BandPlacement.Contiguous(layout), memory, 0);
        var whole = DeviceBands.Decode(layout, bytes);

        foreach (var (first, count) in ((int, int)[])[(0, 1), (63, 2), (64, 64), (70, 100), (130, 70), (191, 9), (199, 1)])
        {
            using var part = matrix.Widen(first, count);

            DeviceBands.AssertSameBits(whole.AsSpan(first * layout.Columns, count * layout.Columns), part);
        }
    }

    [Theory, MemberData(nameof(Precisions))]
    public void Gather_RepeatedRowsOfSeveralBands_AreThoseOfTheWhole(WeightPrecision precision)
    {
        using var tables = new DeviceTables(CPU);
        var layout = new BandLayout(precision, 200, 65);
        var bytes = DeviceBands.Random(layout, seed: 11);
        using var memory = tensor(bytes, ScalarType.Byte);
        var matrix = new DeviceBandMatrix(tables.Decoder(layout), BandPlacement.Contiguous(layout), memory, 0);
        var whole = DeviceBands.Decode(layout, bytes);
        long[] rows = [199, 0, 64, 0, 130, 63, 199];

        using var chosen = tensor(rows);
        using var actual = matrix.Gather(chosen);

        DeviceBands.AssertSameBits(rows.SelectMany(row => whole.AsSpan((int)row * layout.Columns, layout.Columns).ToArray()).ToArray(), actual);
    }

    [Fact]
    public unsafe void WidenRows_WeightsOnADevice_Throws()
    {
        using var tables = new DeviceTables(CPU);
        var layout = new BandLayout(WeightPrecision.Int8, 4, 64);
        using var memory = tensor(DeviceBands.Random(layout, 1), ScalarType.Byte);
        var matrix = new DeviceBandMatrix(tables.Decoder(layout), BandPlacement.Contiguous(layout), memory, 0);
        var row = stackalloc float[64];

        Assert.Throws<InvalidOperationException>(() => matrix.WidenRows(0, 1, row));
    }

    [Fact]
    public void Read_NumbersOfEverySize_GivesTheirBits()
    {
        using var tables = new DeviceTables(CPU);
        var random = new Random(20261128);
        float[] values = [0f, -0f, 1f, -1.5f, float.Epsilon, -float.Epsilon, 1.1754942e-38f, 1.17549435e-38f, float.MaxValue, float.MinValue,
            .. Enumerable.Range(0, 4096).Select(_ => BitConverter.Int32BitsToSingle(random.Next(int.MinValue, int.MaxValue))).Where(float.IsFinite)];
        using var bytes = tensor(MemoryMarshal.AsBytes<float>(values).ToArray(), ScalarType.Byte);
        using var scope = NewDisposeScope();

        var actual = tables.Floats.Read(bytes.view(-1, sizeof(float)));

        DeviceBands.AssertSameBits(values, actual);
    }
}
