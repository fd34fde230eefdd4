using Iced.Intel;

namespace Deepseek.Inference.Kernels.Tests;

/// <summary>What machine code does to its caller, by Iced's reading; what it computes, the tests of products and of attention compare with the definition.</summary>
public sealed class VnniCodeTests
{
    public static TheoryData<int> All => [.. Enumerable.Range(0, VnniCode.Functions)];

    [Theory, MemberData(nameof(All))]
    public void Function_EveryInstruction_ChangesOnlyWhatItMay(int function)
    {
        // By the convention of System V; the lower vectors, too, are the callee's.
        HashSet<string> free = ["Rax", "Rcx", "Rdx", "Rsi", "Rdi", "R8", "R9", "R10", "R11"];
        var code = FunctionAt(function);
        if (code.Any(instruction => instruction.Mnemonic == Mnemonic.Push))
            free.Add("Rbx");
        var infos = new InstructionInfoFactory();

        foreach (var instruction in code)
        {
            var changed = infos.GetInfo(instruction).GetUsedRegisters().Where(used => used.Access is not (OpAccess.Read or OpAccess.CondRead)).Select(used => used.Register).Where(register => !register.IsVectorRegister());
            if (instruction.Mnemonic is not (Mnemonic.Push or Mnemonic.Pop or Mnemonic.Ret))
                Assert.Subset(free, changed.Select(MachineCode.NameOf).ToHashSet());
        }
    }

    [Theory, MemberData(nameof(All))]
    public void Function_Ends_WithOneReturnAndTheStackAsItWas(int function)
    {
        var code = FunctionAt(function);
        var pushes = code.Where(instruction => instruction.Mnemonic == Mnemonic.Push).ToArray();
        if (pushes.Length > 0)
        {
            // Kept before anything is done, and given back after all of it.
            Assert.Equal(Iced.Intel.Register.RBX, Assert.Single(pushes).Op0Register);
            Assert.Equal(0, code.IndexOf(pushes[0]));
            Assert.Equal((Mnemonic.Pop, Iced.Intel.Register.RBX), (code[^3].Mnemonic, code[^3].Op0Register));
        }

        Assert.Equal([Mnemonic.Vzeroupper, Mnemonic.Ret], code.TakeLast(2).Select(instruction => instruction.Mnemonic));
        Assert.Single(code, instruction => instruction.FlowControl == FlowControl.Return);
        Assert.Equal(pushes.Length, code.Count(instruction => instruction.Mnemonic == Mnemonic.Pop));
        Assert.All(code.Where(instruction => instruction.Op0Kind == OpKind.NearBranch64), jump => Assert.Contains(code.SkipLast(2), instruction => instruction.IP == jump.NearBranchTarget || pushes.Length == 0));
    }

    [Theory, MemberData(nameof(All))]
    public void Function_EveryInstruction_BelongsToWhatIsAskedFor(int function)
    {
        string[] available = ["X64", "CMOV", "SSE", "INTEL8086", "INTEL186", "INTEL386", "AVX", "AVX512F", "AVX512BW", "AVX512_VNNI"];

        Assert.All(FunctionAt(function).SelectMany(instruction => instruction.CpuidFeatures), feature => Assert.Contains(feature.ToString(), available));
    }

    private static List<Instruction> FunctionAt(int function)
    {
        var entries = new int[VnniCode.Functions];
        var code = VnniCode.Assemble(entries);
        var end = function + 1 < VnniCode.Functions ? entries[function + 1] : code.Length;
        return MachineCode.Read(code[entries[function]..end]);
    }
}
