namespace Deepseek.Inference.Kernels;

/// <summary>Writes multiply-adds between registers, over and over, for a probe: nothing but arithmetic decides how long they take.</summary>
/// <param name="to">Receives them.</param>
/// <param name="bytes">Whether bytes are multiplied instead of words.</param>
internal sealed class VnniPeakCode(Assembler to, bool bytes)
{
    private const Register Rounds = Register.Rdi;

    /// <summary>A function whose argument is the number of rounds, 1 or more.</summary>
    public void Write()
    {
        var (x, y) = (new Zmm(0), new Zmm(1));
        to.Vpxord(x, x, x);
        to.Vpxord(y, y, y);
        var next = to.Here;
        for (var chain = 0; chain < ArithmeticRounds.Chains; chain++)
        {
            if (bytes)
                to.Vpdpbusd(new Zmm(16 + chain), x, y);
            else
                to.Vpdpwssd(new Zmm(16 + chain), x, y);
        }

        to.Sub(Rounds, 1);
        to.Jnz(next);
        to.Return();
    }
}
