using Iced.Intel;

namespace Deepseek.Inference.Kernels.Tests;

/// <summary>What is encoded is what Iced, a disassembler of others, reads.</summary>
public sealed partial class AssemblerTests
{
    private const int Rounds = 200;

    private static readonly Register[] Registers = Enum.GetValues<Register>();

    // By an instruction's name, in which Iced's enumerations begin with it.
    private static readonly Dictionary<string, Action<Assembler, Zmm, Zmm, Operand>> ThreeOperands = new()
    {
        ["Vpxord"] = (to, a, b, c) => to.Vpxord(a, b, c),
        ["Vpandd"] = (to, a, b, c) => to.Vpandd(a, b, c),
        ["Vpaddd"] = (to, a, b, c) => to.Vpaddd(a, b, c),
        ["Vpdpbusd"] = (to, a, b, c) => to.Vpdpbusd(a, b, c),
        ["Vpdpwssd"] = (to, a, b, c) => to.Vpdpwssd(a, b, c),
        ["Vaddps"] = (to, a, b, c) => to.Vaddps(a, b, c),
        ["Vmulps"] = (to, a, b, c) => to.Vmulps(a, b, c),
        ["Vfmadd213ps"] = (to, a, b, c) => to.Vfmadd213ps(a, b, c),
    };

    private static readonly Dictionary<string, Action<Assembler, Zmm, Zmm, Zmm>> ThreeVectors = new()
    {
        ["Vpermw"] = (to, a, b, c) => to.Vpermw(a, b, c),
        ["Vpshufb"] = (to, a, b, c) => to.Vpshufb(a, b, c),
    };

    private static readonly Dictionary<string, Action<Assembler, Zmm, Zmm>> TwoVectors = new()
    {
        ["Vcvtdq2ps"] = (to, a, b) => to.Vcvtdq2ps(a, b),
        ["Vpsrlw 9"] = (to, a, b) => to.Vpsrlw(a, b, 9),
        ["Vpsraw 9"] = (to, a, b) => to.Vpsraw(a, b, 9),
        ["Vpsllw 9"] = (to, a, b) => to.Vpsllw(a, b, 9),
    };

    private static readonly Dictionary<string, Action<Assembler, Zmm, Address>> Loads = new()
    {
        ["Vmovdqu32"] = (to, a, b) => to.Vmovdqu32(a, b),
        ["Vpbroadcastd"] = (to, a, b) => to.Vpbroadcastd(a, b),
        ["Vpmovsxbd"] = (to, a, b) => to.Vpmovsxbd(a, b),
        ["Vbroadcasti64x4"] = (to, a, b) => to.Vbroadcasti64x4(a, b),
    };

    private static readonly Dictionary<string, Action<Assembler, Register, Register>> TwoRegisters = new()
    {
        ["Mov"] = (to, a, b) => to.Mov(a, b),
        ["Cmp"] = (to, a, b) => to.Cmp(a, b),
        ["Sub"] = (to, a, b) => to.Sub(a, b),
        ["Cmovae"] = (to, a, b) => to.Cmovae(a, b),
    };

    private static readonly Dictionary<string, Action<Assembler, Register, Address>> RegisterAndMemory = new()
    {
        ["Mov"] = (to, a, b) => to.Mov(a, b),
        ["Lea"] = (to, a, b) => to.Lea(a, b),
        ["Add"] = (to, a, b) => to.Add(a, b),
        ["Cmp"] = (to, a, b) => to.Cmp(a, b),
    };

    private static readonly Dictionary<string, Action<Assembler, Register>> OneRegister = new()
    {
        ["Add 305419896"] = (to, a) => to.Add(a, 305419896),
        ["Sub 128"] = (to, a) => to.Sub(a, 128),
        ["And 896"] = (to, a) => to.And(a, 896),
        ["Cmp 1024"] = (to, a) => to.Cmp(a, 1024),
        ["Shl 2"] = (to, a) => to.Shl(a, 2),
        ["Shr 5"] = (to, a) => to.Shr(a, 5),
    };

    private readonly Random _random = new(20260501);

    [Fact]
    public void Vectors_AnyRegistersAndPlaces_AreReadAsWritten()
    {
        for (var round = 0; round < Rounds; round++)
        {
            var (a, b, c, place) = (Vector(), Vector(), Vector(), Place());
            foreach (var (name, write) in ThreeOperands)
            {
                AssertReads($"{name} {a}, {b}, {c}", to => write(to, a, b, c));
                AssertReads($"{name} {a}, {b}, {Text(place)}", to => write(to, a, b, place));
                AssertReads($"{name} {a}, {b}, {Text(place)} everywhere", to => write(to, a, b, Operand.Broadcast(place)));
            }

            foreach (var (name, write) in ThreeVectors)
                AssertReads($"{name} {a}, {b}, {c}", to => write(to, a, b, c));
            foreach (var (name, write) in TwoVectors)
                AssertReads(name.Contains(' ', StringComparison.Ordinal) ? $"{name.Split(' ')[0]} {a}, {b}, {name.Split(' ')[1]}" : $"{name} {a}, {b}", to => write(to, a, b));
            foreach (var (name, write) in Loads)
                AssertReads($"{name} {a}, {Text(place)}", to => write(to, a, place));
            AssertReads($"Vmovdqu32 {Text(place)}, {a}", to => to.Vmovdqu32(place, a));
            AssertReads($"Vinserti64x4 {a}, {b}, {Text(place)}, 1", to => to.Vinserti64x4(a, b, place));
        }
    }

    [Fact]
    public void Registers_AnyRegistersAndPlaces_AreReadAsWritten()
    {
        for (var round = 0; round < Rounds; round++)
        {
            var (a, b, place) = (Pick(Registers), Pick(Registers), Place());
            foreach (var (name, write) in TwoRegisters)
                AssertReads($"{name} {a}, {b}", to => write(to, a, b));
            foreach (var (name, write) in RegisterAndMemory)
                AssertReads($"{name} {a}, {Text(place)}", to => write(to, a, place));
            foreach (var (name, write) in OneRegister)
                AssertReads($"{name.Split(' ')[0]} {a}, {name.Split(' ')[1]}", to => write(to, a));
            AssertReads($"Add {Text(place)}, 128", to => to.Add(place, 128));
            var value = _random.NextInt64(long.MinValue, long.MaxValue);
            AssertReads(FormattableString.Invariant($"Mov {a}, {value}"), to => to.Mov(a, value));
            AssertReads($"Sub {Text(place)}, 1", to => to.Sub(place, 1));
            AssertReads($"Mov {Text(place)}, {a}", to => to.Mov(place, a));
            AssertReads($"Prefetcht0 {Text(place)}", to => to.PrefetchT0(place));
            AssertReads($"Prefetcht1 {Text(place)}", to => to.PrefetchT1(place));
        }
    }

    [Fact]
    public void Stack_TheRegisterThatCallersExpectToKeep_IsReadAsWritten()
    {
        AssertReads("Push Rbx", to => to.PushRbx());
        AssertReads("Pop Rbx", to => to.PopRbx());
    }

    [Fact]
    public void Jumps_BackAndAhead_LeadThere()
    {
        var to = new Assembler();
        to.Mov(Register.Rax, Register.Rcx);
        var again = to.Here;
        to.Add(Register.Rax, 1);
        var ahead = to.Jae();
        var alsoAhead = to.Jz();
        to.Jb(again);
        to.Jnz(again);
        to.Jmp(again);
        var landing = to.Here;
        to.Land(ahead);
        to.Land(alsoAhead);
        to.Return();

        var read = MachineCode.Read(to.ToArray());

        Assert.Equal([Mnemonic.Mov, Mnemonic.Add, Mnemonic.Jae, Mnemonic.Je, Mnemonic.Jb, Mnemonic.Jne, Mnemonic.Jmp, Mnemonic.Vzeroupper, Mnemonic.Ret], read.Select(instruction => instruction.Mnemonic));
        Assert.Equal([(ulong)landing, (ulong)landing, (ulong)again, (ulong)again, (ulong)again], read.Where(instruction => instruction.Op0Kind == OpKind.NearBranch64).Select(instruction => instruction.NearBranchTarget));
    }

    private static void AssertReads(string expected, Action<Assembler> write)
    {
        var to = new Assembler();
        write(to);
        var instruction = Assert.Single(MachineCode.Read(to.ToArray()));
        var operands = Enumerable.Range(0, instruction.OpCount).Select(i => instruction.GetOpKind(i) switch
        {
            OpKind.Register => MachineCode.NameOf(instruction.GetOpRegister(i)),
            OpKind.Memory => Text(instruction),
            _ => ((long)instruction.GetImmediate(i)).ToString(System.Globalization.CultureInfo.InvariantCulture),
        });
        Assert.Equal(expected, $"{instruction.Mnemonic} {string.Join(", ", operands)}");
    }

    private static string Text(Address place) =>
        $"[{place.Base} + {(place.Index is { } index ? $"{place.Factor} {index}" : "")} + {place.Offset}]";

    private static string Text(in Instruction instruction)
    {
        var index = instruction.MemoryIndex == Iced.Intel.Register.None ? "" : $"{instruction.MemoryIndexScale} {MachineCode.NameOf(instruction.MemoryIndex)}";
        return $"[{MachineCode.NameOf(instruction.MemoryBase)} + {index} + {(int)instruction.MemoryDisplacement64}]{(instruction.IsBroadcast ? " everywhere" : "")}";
    }

    private Zmm Vector() => new(_random.Next(32));

    // Offsets around the ends of one byte, of as many vectors, and of as many numbers; now and then none of these.
    private Address Place()
    {
        int[] units = [1, 4, 16, 32, 64];
        var offset = _random.Next(4) == 0 ? _random.Next(-70_000, 70_000) : Pick(units) * _random.Next(-130, 130);
        return _random.Next(2) == 0 ? new Address(Pick(Registers), offset) : new Address(Pick(Registers), offset, Pick(Registers), 1 << _random.Next(4));
    }

    private T Pick<T>(T[] values) => values[_random.Next(values.Length)];
}
