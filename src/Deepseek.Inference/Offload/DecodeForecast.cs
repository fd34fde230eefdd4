namespace Deepseek.Inference.Offload;

/// <summary>How fast a machine would decode, by the bytes that a token moves; reality lies between the two speeds, or below where something else binds.</summary>
/// <param name="DiskBytesPerToken">Bytes that the disk reads.</param>
/// <param name="TokensPerSecond">Speed where disk and memory take turns: nothing overlaps.</param>
/// <param name="OverlappedTokensPerSecond">Speed where the slower of the two is always busy: all overlaps.</param>
public sealed record DecodeForecast(double DiskBytesPerToken, double TokensPerSecond, double OverlappedTokensPerSecond);
