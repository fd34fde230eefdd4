using Deepseek.Inference.Configuration;
using Deepseek.Inference.Layers;

namespace Deepseek.Inference.Models;

/// <summary>What every model class is made of.</summary>
/// <param name="Config">Architecture and sizes.</param>
/// <param name="Options">How it was loaded.</param>
/// <param name="Location">The folder.</param>
/// <param name="Source">Owns the memory that the weights may lie over.</param>
/// <param name="Decoder">The layers.</param>
/// <param name="Cpu">Passes on the CPU operations; null where the Torch operations compute.</param>
/// <param name="WeightBytes">Bytes of the weights as they are stored.</param>
/// <param name="ChunkTokens">Tokens of a prompt that pass at once.</param>
/// <param name="StepBytes">Of them, those that decoding one token of one sequence reads.</param>
/// <param name="AlwaysReadBytes">Of those, what every token reads, whatever its experts.</param>
internal sealed record LoadedModel(
    ModelConfig Config, ModelOptions Options, string Location, IDisposable Source, Decoder Decoder, CpuPass? Cpu, int ChunkTokens, long WeightBytes, long StepBytes, long AlwaysReadBytes);
