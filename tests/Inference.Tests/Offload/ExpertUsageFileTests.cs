using Deepseek.Inference.Offload;
using Deepseek.Inference.Tests.Checkpoints;

namespace Deepseek.Inference.Tests.Offload;

public sealed class ExpertUsageFileTests : IDisposable
{
    private static readonly UInt128 Key = ExpertUsageFile.Key("a manifest"u8);

    private readonly TemporaryFolder _folder = new();

    private string File => _folder.File("usage.bin");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Read_WhatWasWritten_IsTheSame()
    {
        var file = _folder.File(Path.Combine("a", "b", "usage.bin")); // folders are made

        Assert.Null(ExpertUsageFile.Write(file, Key, new ExpertUsage(2, 2, passes: 3, [1, 2, 0, 3.5f])));
        var (usage, reason) = ExpertUsageFile.Read(file, Key, 2, 2);

        Assert.Null(reason);
        Assert.Equal([1, 2, 0, 3.5f], usage!.Counts.ToArray());
        Assert.Equal((2, 2, 3.0), (usage.Layers, usage.ExpertsPerLayer, usage.Passes));
        Assert.Equal([file], Directory.GetFiles(Path.GetDirectoryName(file)!));
    }

    [Fact]
    public void Write_MorePassesThanTheHorizon_LetsThemCountLess()
    {
        Assert.Null(ExpertUsageFile.Write(File, Key, new ExpertUsage(1, 1, passes: 4 * ExpertUsageFile.Horizon, [8])));

        var (usage, _) = ExpertUsageFile.Read(File, Key, 1, 1);

        Assert.Equal((ExpertUsageFile.Horizon, 2f), (usage!.Passes, usage.Counts[0]));
    }

    [Fact]
    public void Read_NoFile_HasNoReason()
    {
        Assert.Equal((null, null), ExpertUsageFile.Read(File, Key, 1, 1));
        Assert.Equal((null, null), ExpertUsageFile.Read(_folder.File(Path.Combine("no", "such")), Key, 1, 1));
    }

    [Fact]
    public void Read_AnyByteChanged_IsIgnoredWithAReason()
    {
        _ = ExpertUsageFile.Write(File, Key, new ExpertUsage(1, 2, passes: 1, [1, 2]));
        var bytes = System.IO.File.ReadAllBytes(File);
        for (var i = 0; i < bytes.Length; i++)
        {
            byte[] damaged = [.. bytes];
            damaged[i] ^= 0x10;
            System.IO.File.WriteAllBytes(File, damaged);

            var (usage, reason) = ExpertUsageFile.Read(File, Key, 1, 2);

            Assert.Null(usage);
            Assert.EndsWith(" It is ignored.", reason, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Read_Longer_NamesBothLengths()
    {
        _ = ExpertUsageFile.Write(File, Key, new ExpertUsage(1, 2, passes: 1, [1, 2]));

        Assert.Equal((null, $"{File} has 72 bytes; it must have 76. It is ignored."), ExpertUsageFile.Read(File, Key, 1, 3));
    }

    [Fact]
    public void Read_OfAnotherStore_NamesBoth()
    {
        _ = ExpertUsageFile.Write(File, Key, new ExpertUsage(1, 2, passes: 1, [1, 2]));

        var (usage, reason) = ExpertUsageFile.Read(File, 7, 1, 2);

        Assert.Null(usage);
        Assert.Equal($"{File}: it belongs to the store {Key:x32}; it must belong to 00000000000000000000000000000007. It is ignored.", reason);
    }

    [Fact]
    public void Read_OfAnotherShape_NamesBoth()
    {
        _ = ExpertUsageFile.Write(File, Key, new ExpertUsage(2, 3, passes: 1, new float[6]));

        Assert.Equal((null, $"{File}: it counts 2 × 3 experts; they must be 3 × 2. It is ignored."), ExpertUsageFile.Read(File, Key, 3, 2));
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(-1)]
    [InlineData(float.PositiveInfinity)]
    public void Read_CountThatIsNone_IsIgnored(float count)
    {
        _ = ExpertUsageFile.Write(File, Key, new ExpertUsage(1, 1, passes: 1, [count]));

        Assert.Equal((null, $"{File}: its counts are not finite numbers, 0 or more. It is ignored."), ExpertUsageFile.Read(File, Key, 1, 1));
    }

    [Fact]
    public void Read_Folder_IsAReason()
    {
        var (usage, reason) = ExpertUsageFile.Read(_folder.Path, Key, 1, 1);

        Assert.Null(usage);
        Assert.StartsWith($"{_folder.Path} cannot be read: ", reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Write_WhereAFileStandsInTheWay_IsAReason()
    {
        System.IO.File.WriteAllText(_folder.File("file"), "");
        var path = _folder.File(Path.Combine("file", "usage.bin"));

        Assert.StartsWith($"{path} cannot be written: ", ExpertUsageFile.Write(path, Key, new ExpertUsage(1, 1)), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false, "XDG_CACHE_HOME=/c;HOME=/h", "/c")]
    [InlineData(false, "XDG_CACHE_HOME=relative;HOME=/h", "/h/.cache")]
    [InlineData(false, "HOME=/h", "/h/.cache")]
    [InlineData(false, "", null)]
    [InlineData(true, "LOCALAPPDATA=/l;HOME=/h", "/l")]
    [InlineData(true, "HOME=/h", null)]
    public void DefaultPath_Environment_DecidesTheFolder(bool isWindows, string environment, string? folder)
    {
        var variables = environment.Split(';', StringSplitOptions.RemoveEmptyEntries).Select(one => one.Split('=')).ToDictionary(one => one[0], one => one[1]);

        var path = ExpertUsageFile.DefaultPath(7, name => variables.GetValueOrDefault(name), isWindows);

        Assert.Equal(folder is null ? null : Path.Combine(folder, "deepseek-inference", "usage", "00000000000000000000000000000007.bin"), path);
    }
}
