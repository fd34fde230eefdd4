using Deepseek.Inference.Store;
using Deepseek.Inference.Tests.Checkpoints;

namespace Deepseek.Inference.Tests.Store;

/// <summary>Short ways to make stores, and to do them harm.</summary>
internal static class Stores
{
    /// <summary>Options under which no weight changes.</summary>
    public static StoreOptions Unchanged { get; } = new()
    {
        Experts = StorePrecision.Keep,
        Dense = StorePrecision.Keep,
        Attention = StorePrecision.Keep,
        LatentUp = StorePrecision.Keep,
        Embedding = StorePrecision.Keep,
        Head = StorePrecision.Keep,
        Prediction = StorePrecision.Keep,
    };

    public static StoreOptions All(StorePrecision precision) => new()
    {
        Experts = precision,
        Dense = precision,
        Attention = precision,
        LatentUp = precision,
        Embedding = precision,
        Head = precision,
        Prediction = precision,
    };

    /// <summary>Converts into a folder that goes with the test.</summary>
    public static async Task<TemporaryFolder> ConvertAsync(string checkpoint, StoreOptions? options = null)
    {
        var folder = new TemporaryFolder();
        await StoreConverter.ConvertAsync(checkpoint, folder.Path, options, cancellationToken: TestContext.Current.CancellationToken);
        return folder;
    }

    /// <summary>All files of a folder, by name.</summary>
    public static SortedDictionary<string, byte[]> Files(string folder) =>
        new(Directory.EnumerateFiles(folder).ToDictionary(path => Path.GetFileName(path), File.ReadAllBytes), StringComparer.Ordinal);

    public static void AssertSameFiles(string expected, string actual)
    {
        var (before, after) = (Files(expected), Files(actual));
        Assert.Equal(before.Keys, after.Keys);
        foreach (var (name, bytes) in before)
            Assert.True(bytes.AsSpan().SequenceEqual(after[name]), $"{name} differs.");
    }

    public static void Flip(string file, long offset, byte mask = 1)
    {
        using var stream = new FileStream(file, FileMode.Open, FileAccess.ReadWrite);
        stream.Position = offset;
        var value = (byte)stream.ReadByte();
        stream.Position = offset;
        stream.WriteByte((byte)(value ^ mask));
    }
}
