using System.Runtime.InteropServices;
using Deepseek.Inference.Checkpoints;
using Deepseek.Inference.Diagnostics;
using Deepseek.Inference.Quantization;
using Deepseek.Inference.Tests.Checkpoints;

namespace Deepseek.Inference.Tests.Quantization;

public sealed class ColumnEnergiesFileTests : IDisposable
{
    private const string Damage = "The file is something else, or damaged.";

    private readonly TemporaryFolder _folder = new();

    private string Path => _folder.File("energies.safetensors");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Load_WhatSaveWrote_IsTheSame()
    {
        var energies = ColumnEnergiesTests.Create(("b", [1, 0.1f, 0], 3), (TensorNames.Expert(1, 0, "up_proj"), [2, 4], 1), (TensorNames.Expert(1, 3, "up_proj"), [float.MaxValue, 1e-40f], long.MaxValue));

        energies.Save(Path);
        var loaded = ColumnEnergies.Load(Path);

        Assert.Equal(["b", TensorNames.Expert(1, 0, "up_proj"), TensorNames.Expert(1, 3, "up_proj")], loaded.Names);
        Assert.All(energies.Names, name =>
        {
            Assert.Equal(energies.TokensOf(name), loaded.TokensOf(name));
            Assert.Equal(energies.Measured[name].MeanSquares, loaded.Measured[name].MeanSquares);
            Assert.Equal(energies.Of(name), loaded.Of(name));
        });
        Assert.Equal(energies.Of(TensorNames.Expert(1, 9, "up_proj")), loaded.Of(TensorNames.Expert(1, 9, "up_proj")));
    }

    [Fact]
    public void Save_MatricesInAnyOrder_GivesTheSameBytes()
    {
        ColumnEnergiesTests.Create(("a", [1], 3), ("b", [2, 3], 4)).Save(Path);
        ColumnEnergiesTests.Create(("b", [2, 3], 4), ("a", [1], 3)).Save(_folder.File("other"));

        Assert.Equal(File.ReadAllBytes(Path), File.ReadAllBytes(_folder.File("other")));
        using var file = SafetensorsFile.Open(Path);
        Assert.Equal("4", file.Metadata["b"]);
        Assert.Equal([2f, 3f], MemoryMarshal.Cast<byte, float>(file.Bytes(file.Tensors["b"])).ToArray());
    }

    [Fact]
    public void Load_MissingFile_IsNamed() => Assert.Equal($"{Path}: The file is missing; fetch it again.", Refused().Message);

    [Fact]
    public void SaveAndLoad_NoPath_AreRefused()
    {
        Assert.Throws<ArgumentException>(() => ColumnEnergies.Load(""));
        Assert.Throws<ArgumentNullException>(() => ColumnEnergiesTests.Create(("a", [1], 1)).Save(null!));
    }

    [Fact]
    public void Load_NoTensors_IsRefused()
    {
        SafetensorsWriter.Write(Path, []);

        Assert.Equal($"{Path}: The file has no tensors; it must have one for every matrix that was measured. Calibrate again.", Refused().Message);
    }

    [Fact]
    public void Load_AModelsWeights_AreRefused()
    {
        var path = System.IO.Path.Combine(TestPaths.Fixtures, "distill-llama", "model.safetensors");

        var fault = Assert.Throws<CheckpointFormatException>(() => ColumnEnergies.Load(path));

        Assert.StartsWith($"{path}: lm_head.weight: it is ", fault.Message, StringComparison.Ordinal);
        Assert.EndsWith($" of shape [256, 64]; energies must be F32 of shape [columns], 1 to 16777216. {Damage}", fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(TensorType.F16, new long[] { 2 }, "F16 of shape [2]")]
    [InlineData(TensorType.F32, new long[] { }, "F32 of shape []")]
    [InlineData(TensorType.F32, new long[] { 0 }, "F32 of shape [0]")]
    [InlineData(TensorType.F32, new long[] { 1, 2 }, "F32 of shape [1, 2]")]
    public void Load_NoVectorOfF32_IsRefused(TensorType type, long[] shape, string found)
    {
        var bytes = shape.Aggregate(1L, (a, b) => a * b) * type.Size();
        SafetensorsWriter.Write(Path, [new SafetensorsTensor("w", type, shape, new byte[bytes])], Tokens(("w", "1")));

        Assert.Equal($"{Path}: w: it is {found}; energies must be F32 of shape [columns], 1 to 16777216. {Damage}", Refused().Message);
    }

    [Theory]
    [InlineData(float.NaN, "NaN")]
    [InlineData(-0.5f, "-0.5")]
    [InlineData(float.PositiveInfinity, "Infinity")]
    public void Load_EnergyOutOfRange_IsRefused(float energy, string shown)
    {
        SafetensorsWriter.Write(Path, [Vector("w", 1, 2, energy)], Tokens(("w", "1")));

        Assert.Equal($"{Path}: w: the energy of column 2 is {shown}; it must be finite and 0 or more. Calibrate again.", Refused().Message);
    }

    [Fact]
    public void Load_MissingTokens_AreRefused()
    {
        SafetensorsWriter.Write(Path, [Vector("v", 1), Vector("w", 1)], Tokens(("v", "1"), ("format", "pt")));

        Assert.Equal($"{Path}: w: its number of tokens is missing from the file's metadata; without it an expert's few tokens would count as many. Calibrate again.", Refused().Message);
    }

    [Theory]
    [InlineData("0")]
    [InlineData("-1")]
    [InlineData("1.5")]
    [InlineData(" 1")]
    [InlineData("")]
    [InlineData("9223372036854775808")]
    public void Load_TokensThatAreNoCount_AreRefused(string text)
    {
        SafetensorsWriter.Write(Path, [Vector("w", 1)], Tokens(("w", text)));

        Assert.Equal($"{Path}: w: its number of tokens is \"{text}\" in the file's metadata; it must be a whole number, 1 or more. Calibrate again.", Refused().Message);
    }

    [Fact]
    public void Load_ExpertsOfUnequalWidth_AreRefused()
    {
        var (first, second) = (TensorNames.Expert(1, 0, "up_proj"), TensorNames.Expert(1, 1, "up_proj"));
        SafetensorsWriter.Write(Path, [Vector(first, 1, 2), Vector(second, 1, 2, 3)], Tokens((first, "1"), (second, "1")));

        Assert.Equal($"{Path}: {second}: it has 3 columns, and {first} has 2; a layer's experts must have equally many. Calibrate again.", Refused().Message);
    }

    [Fact]
    public void Load_DamagedFiles_LoadOrAreRefused()
    {
        const int cases = 300;
        ColumnEnergiesTests.Create(("b", [1, 0.1f], 30), (TensorNames.Expert(1, 0, "up_proj"), [2, 4], 10), (TensorNames.Expert(1, 3, "up_proj"), [2, 4], 20)).Save(Path);
        var sound = File.ReadAllBytes(Path);
        var random = new Random(20250123);
        var (loaded, refused) = (0, 0);

        for (var i = 0; i < cases; i++)
        {
            var header = Mutation.Apply(sound[8..^24], random);
            File.WriteAllBytes(Path, [.. BitConverter.GetBytes((long)header.Length), .. header, .. sound[^24..]]);
            try
            {
                var energies = ColumnEnergies.Load(Path);
                Assert.All(energies.Names, name => Assert.All(energies.Of(name) ?? [], energy => Assert.True(float.IsFinite(energy) && energy >= 0)));
                loaded++;
            }
            catch (CheckpointFormatException)
            {
                refused++;
            }
        }

        Assert.True(loaded > cases / 100 && refused > cases / 4, $"{loaded} loaded, {refused} refused: the damage is too weak or too strong to say anything.");
    }

    private CheckpointFormatException Refused() => Assert.Throws<CheckpointFormatException>(() => ColumnEnergies.Load(Path));

    private static SafetensorsTensor Vector(string name, params float[] values) => new(name, TensorType.F32, [values.Length], MemoryMarshal.AsBytes<float>(values).ToArray());

    private static Dictionary<string, string> Tokens(params (string Name, string Count)[] counts) => counts.ToDictionary(count => count.Name, count => count.Count);
}
