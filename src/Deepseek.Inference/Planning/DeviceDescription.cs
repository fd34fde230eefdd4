namespace Deepseek.Inference.Planning;

/// <summary>A graphics card, as far as a plan needs to know it.</summary>
/// <param name="Name">What it is called.</param>
/// <param name="Bytes">Its memory, in bytes.</param>
/// <param name="GigabytesPerSecond">The speed of its memory, GB/s (10⁹ bytes).</param>
/// <param name="Teraflops">The peak of its multiply-adds in half precision with sums in fp32, 10¹² operations a second.</param>
/// <param name="LinkGigabytesPerSecond">The speed of its link to the computer's memory, one way, GB/s.</param>
public sealed record DeviceDescription(string Name, long Bytes, double GigabytesPerSecond, double Teraflops, double LinkGigabytesPerSecond);
