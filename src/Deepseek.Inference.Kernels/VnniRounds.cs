namespace Deepseek.Inference.Kernels;

/// <summary>Multiply-adds between registers in machine code of AVX512-VNNI.</summary>
/// <param name="bytes">Whether bytes are multiplied instead of words.</param>
internal sealed unsafe class VnniRounds(bool bytes) : ArithmeticRounds
{
    public override long OperationsPerItem => 2L * (bytes ? 64 : 32) * Chains * Rounds;

    public override void Run(int item, int worker) => VnniCode.Peak(bytes)(Rounds);
}
