using Iced.Intel;

namespace Deepseek.Inference.Kernels.Tests;

/// <summary>Machine code as Iced reads it.</summary>
internal static class MachineCode
{
    /// <summary>All instructions of code that begins at address 0.</summary>
    public static List<Instruction> Read(byte[] code)
    {
        var decoder = Decoder.Create(64, code);
        var read = new List<Instruction>();
        while (decoder.IP < (ulong)code.Length)
            read.Add(decoder.Decode());
        Assert.DoesNotContain(read, instruction => instruction.IsInvalid);
        return read;
    }

    /// <summary>A register's name as <see cref="Register"/>, <see cref="Zmm"/> and <see cref="Ymm"/> have it.</summary>
    public static string NameOf(Iced.Intel.Register register) =>
        register.IsZMM() ? new Zmm(register - Iced.Intel.Register.ZMM0).ToString()
        : register.IsYMM() ? new Ymm(register - Iced.Intel.Register.YMM0).ToString()
        : register.ToString() is var name && name.Length > 2 && name[1] is >= 'A' and <= 'Z' ? name[0] + name[1..].ToLowerInvariant() : name;
}
