using System.Runtime.InteropServices;
using Deepseek.Inference.Checkpoints;
using Deepseek.Inference.Compute;
using Deepseek.Inference.Configuration;
using Deepseek.Inference.Diagnostics;
using Deepseek.Inference.Kernels;
using Deepseek.Inference.Models;
using Deepseek.Inference.Quantization;
using Deepseek.Inference.Store;

namespace Deepseek.Inference.Golden.Tests;

/// <summary>A checkpoint that Transformers saved in 4 bits with bitsandbytes.</summary>
/// <remarks>
/// bitsandbytes quantizes blocks of the flattened matrix. Its AVX-512 code for decoding finds the scale of row r, column c at r · ⌊columns / 64⌋ + ⌊c / 64⌋ (csrc/cpu_ops.cpp), which is another block's
/// where a row is no multiple of 64; its other code paths, and ours, take the block's own. The reference logits were computed on such a processor, and <c>down_proj</c> has rows of 352: so they are compared
/// with that matrix decoded as there.
/// </remarks>
public sealed class BitsandbytesModelTests
{
    private const double Tolerance = 2e-4;

    private static string Folder => GoldenModel.Folder("bnb-qwen2");

    [Theory]
    [InlineData(ComputeOperations.Cpu)]
    [InlineData(ComputeOperations.Torch)]
    public async Task Forward_RaggedMatricesDecodedAsTheReferenceDid_EqualsReference(ComputeOperations operations)
    {
        using var golden = GoldenModel.Open("bnb-qwen2");
        var folder = Directory.CreateTempSubdirectory("bnb-as-reference");
        try
        {
            WriteAsReference(folder.FullName);
            using var model = await GoldenModel.LoadFromAsync(folder.FullName, operations);
            using var cache = model.CreateCache();

            using var logits = model.Forward(golden.Ids("ids.33"), cache, LogitRows.All);

            Golden.AssertClose(golden.Floats("logits.33"), logits.ToArray<float>(), Tolerance, "logits.33");
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public void Quantize_PlainWeights_GivesTheSavedBytes()
    {
        using var plain = CheckpointFolder.Open(Path.Combine(Folder, "plain"));
        using var saved = CheckpointFolder.Open(Path.Combine(Folder, "bnb"));
        var names = plain.Tensors.Keys.Where(name => name.EndsWith("_proj.weight", StringComparison.Ordinal)).ToList();

        foreach (var name in names)
        {
            var shape = plain.Tensors[name].Shape;
            var expected = new BitsandbytesReader(saved).Read(name, shape[0], shape[1]);
            var codes = new byte[expected.Codes.ByteLength];
            saved.Read(expected.Codes, 0, codes);

            var actual = Nf4Quantizer.Quantize(Widened(plain, name), shape, new Nf4Options { Mode = Nf4Mode.Reference });

            Assert.Equal(codes, actual.Codes);
            var (scales, quantized) = ((Nf4QuantizedScales)expected.Scales, (Nf4QuantizedScales)actual.Scales);
            Assert.Equal(scales.Codes, quantized.Codes);
            Assert.Equal(scales.GroupScales, quantized.GroupScales);
            Assert.Equal(scales.Offset, quantized.Offset);
        }

        Assert.Equal(14, names.Count);
    }

    [Fact]
    public async Task ConvertAsync_PlainModel_GivesTheSavedFilesByteForByte()
    {
        var folder = Directory.CreateTempSubdirectory("bnb-converted");
        try
        {
            await BitsandbytesConverter.ConvertAsync(Path.Combine(Folder, "plain"), folder.FullName, cancellationToken: TestContext.Current.CancellationToken);

            Assert.Equal(["config.json", "model.safetensors"], folder.EnumerateFiles().Select(file => file.Name).Order(StringComparer.Ordinal));
            foreach (var file in folder.EnumerateFiles())
                Assert.True(File.ReadAllBytes(Path.Combine(Folder, "bnb", file.Name)).AsSpan().SequenceEqual(File.ReadAllBytes(file.FullName)), $"{file.Name} differs.");
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public void Widen_EveryMatrix_KernelTensorsAndQuantizerAgreeBitForBit()
    {
        TorchNative.EnsureLoaded();
        using var source = CheckpointFolder.Open(Path.Combine(Folder, "bnb"));
        var loader = new WeightLoader(source, ModelConfig.Load(Path.Combine(Folder, "bnb")), TorchSharp.torch.CPU, null, TestContext.Current.CancellationToken);

        foreach (var (name, rows, columns) in new[] { ("mlp.down_proj", 192L, 352L), ("mlp.up_proj", 352L, 192L), ("self_attn.k_proj", 64L, 192L) })
        {
            using var matrix = (Nf4Matrix)loader.Matrix($"model.layers.1.{name}.weight", rows, columns);
            var (entry, blockSize, scales) = new BitsandbytesReader(source).Read($"model.layers.1.{name}.weight", rows, columns);
            var codes = new byte[entry.ByteLength];
            source.Read(entry, 0, codes);
            var expected = new float[rows * columns];
            Nf4Quantizer.Dequantize(new Nf4Tensor([rows, columns], blockSize, codes, scales), expected);

            using var whole = matrix.Widen();
            using var byTorch = matrix.WidenByTorch(0, rows);
            using var slice = matrix.Widen(2 * matrix.RowAlignment, 7);
            using var gathered = matrix.Gather(TorchSharp.torch.tensor(new long[] { 5, 0, rows - 1 }));

            Assert.Equal(expected, whole.ToArray<float>());
            Assert.Equal(expected, byTorch.ToArray<float>());
            Assert.Equal(expected.Skip(2 * matrix.RowAlignment * (int)columns).Take(7 * (int)columns), slice.ToArray<float>());
            Assert.Equal(new[] { 5, 0, (int)rows - 1 }.SelectMany(row => expected.Skip(row * (int)columns).Take((int)columns)), gathered.ToArray<float>());
        }
    }

    [Theory]
    [InlineData("model.layers.0.mlp.up_proj.weight.quant_map", "its values are not those of the format")]
    [InlineData("model.layers.0.mlp.up_proj.weight.nested_quant_map", "its values are not those of the format")]
    [InlineData("model.layers.0.mlp.up_proj.weight.quant_state.bitsandbytes__nf4", "it must be a JSON object with blocksize, shape")]
    public async Task LoadAsync_DamagedPart_NamesIt(string tensor, string reason)
    {
        var error = await LoadAltered(tensor, bytes => bytes.AsSpan().Reverse());

        Assert.Contains($"{tensor}: {reason}", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task LoadAsync_MissingPart_NamesIt()
    {
        var error = await LoadAltered("model.layers.0.mlp.up_proj.weight.nested_absmax", null);

        Assert.EndsWith("model.layers.0.mlp.up_proj.weight.nested_absmax: the tensor is missing; a 4-bit weight of bitsandbytes needs it. Download the checkpoint again.", error.Message, StringComparison.Ordinal);
    }

    private static async Task<CheckpointFormatException> LoadAltered(string name, Action<byte[]>? alter)
    {
        var folder = Directory.CreateTempSubdirectory("bnb-altered");
        try
        {
            using (var source = CheckpointFolder.Open(Path.Combine(Folder, "bnb")))
            {
                var tensors = source.Tensors.Values.Where(tensor => alter is not null || tensor.Name != name).Select(tensor =>
                {
                    var bytes = source.Bytes(tensor).ToArray();
                    if (tensor.Name == name)
                        alter!(bytes);
                    return new SafetensorsTensor(tensor.Name, tensor.Type, tensor.Shape, bytes);
                });
                SafetensorsWriter.Write(Path.Combine(folder.FullName, "model.safetensors"), [.. tensors]);
            }

            File.Copy(Path.Combine(Folder, "bnb", "config.json"), Path.Combine(folder.FullName, "config.json"));
            return await Assert.ThrowsAsync<CheckpointFormatException>(() => LanguageModel.LoadAsync(folder.FullName));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    /// <summary>The saved checkpoint with every ragged matrix in fp32, its scales taken as the reference's processor took them.</summary>
    private static void WriteAsReference(string folder)
    {
        using var source = CheckpointFolder.Open(Path.Combine(Folder, "bnb"));
        var tensors = source.Tensors.Values
            .Where(tensor => !tensor.Name.Contains("down_proj.weight", StringComparison.Ordinal))
            .Select(tensor => new SafetensorsTensor(tensor.Name, tensor.Type, tensor.Shape, source.Bytes(tensor).ToArray()))
            .Concat(Enumerable.Range(0, 2).Select(layer => Ragged(source, $"model.layers.{layer}.mlp.down_proj.weight", 192, 352)));
        SafetensorsWriter.Write(Path.Combine(folder, "model.safetensors"), [.. tensors]);
        File.Copy(Path.Combine(Folder, "bnb", "config.json"), Path.Combine(folder, "config.json"));
    }

    private static SafetensorsTensor Ragged(CheckpointFolder source, string name, int rows, int columns)
    {
        var (entry, blockSize, quantized) = new BitsandbytesReader(source).Read(name, rows, columns);
        var codes = source.Bytes(entry);
        var scales = new float[quantized.Count];
        quantized.Decode(scales);
        var weights = new float[rows * columns];
        for (var i = 0; i < weights.Length; i++)
        {
            var level = Nf4.Levels[(codes[i / 2] >> (i % 2 == 0 ? 4 : 0)) & 0xF];
            weights[i] = level * scales[(i / columns * (columns / blockSize)) + (i % columns / blockSize)];
        }

        return new SafetensorsTensor(name, TensorType.F32, [rows, columns], MemoryMarshal.AsBytes<float>(weights).ToArray());
    }

    private static float[] Widened(CheckpointFolder source, string name)
    {
        var values = new float[source.Tensors[name].ElementCount];
        Widen.FromBFloat16(MemoryMarshal.Cast<byte, ushort>(source.Bytes(source.Tensors[name])), values);
        return values;
    }
}
