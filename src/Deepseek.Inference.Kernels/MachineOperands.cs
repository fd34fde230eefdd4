using System.Runtime.InteropServices;

namespace Deepseek.Inference.Kernels;

/// <summary>64-bit registers. By the convention of System V a function may change all but Rbx, and gets its arguments in Rdi, Rsi, Rdx, Rcx, R8 and R9.</summary>
internal enum Register
{
    Rax = 0,
    Rcx = 1,
    Rdx = 2,
    Rbx = 3,
    Rsi = 6,
    Rdi = 7,
    R8 = 8,
    R9 = 9,
    R10 = 10,
    R11 = 11,
}

/// <summary>A place in memory.</summary>
/// <param name="Base">The register that it is counted from.</param>
/// <param name="Offset">Bytes from there.</param>
/// <param name="Index">A register that counts, too.</param>
/// <param name="Factor">How often: 1, 2, 4 or 8 times.</param>
internal readonly record struct Address(Register Base, int Offset = 0, Register? Index = null, int Factor = 1)
{
    /// <summary>The high bit of the index' number.</summary>
    public int HighIndex => (int)(Index ?? 0) >> 3;

    /// <summary>A field of a structure.</summary>
    /// <param name="structure">Its place.</param>
    /// <param name="name">The field's name.</param>
    public static Address Field<T>(Register structure, string name)
        where T : unmanaged =>
        new(structure, (int)Marshal.OffsetOf<T>(name));
}

/// <summary>A vector register of 256 bits.</summary>
/// <param name="Number">0 to 15.</param>
internal readonly record struct Ymm(int Number);

/// <summary>A vector register of 512 bits.</summary>
/// <param name="Number">0 to 31.</param>
internal readonly record struct Zmm(int Number);

/// <summary>The last operand of an instruction: a register, a vector in memory, or one 32-bit number there for all lanes.</summary>
internal readonly record struct Operand(Zmm Vector, Address? Memory, bool IsBroadcast)
{
    public static implicit operator Operand(Zmm vector) => new(vector, null, false);

    public static implicit operator Operand(Address memory) => new(default, memory, false);

    /// <summary>The number there, in every lane.</summary>
    public static Operand Broadcast(Address from) => new(default, from, true);
}
