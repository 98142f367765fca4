// Clock, reset, progress and waveform (wave.vcd, where built with --trace) for the replay bench in
// Verilator.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <memory>

#include "Vkal_replay.h"
#include "verilated.h"
#if VM_TRACE
#include "verilated_vcd_c.h"
#endif

namespace {

constexpr uint64_t PERIOD = 4000;  // ps: 250 MHz
constexpr uint64_t LOOK = 1024;    // cycles between two looks at the clock on the wall
constexpr auto PROGRESS = std::chrono::milliseconds(100);

// The waveform of the cycles that the stimulus asks for; nothing without --trace.
class Wave {
public:
    explicit Wave(VerilatedContext& context, Vkal_replay& top) : context_(context), top_(top) {
#if VM_TRACE
        context.traceEverOn(true);
        top.trace(&file_, 99);
#endif
    }

    void step() {
#if VM_TRACE
        if (!top_.wave) return;
        if (!file_.isOpen()) file_.open("wave.vcd");
        file_.dump(context_.time());
#endif
    }

private:
    VerilatedContext& context_;
    Vkal_replay& top_;
#if VM_TRACE
    VerilatedVcdC file_;
#endif
};

}  // namespace

int main() {
    VerilatedContext context;
    const auto top = std::make_unique<Vkal_replay>(&context, "bench");
    Wave wave(context, *top);
    auto told = std::chrono::steady_clock::now();
    bool tell = false;  // the bench writes a line of progress in this cycle
    top->rst = 1;
    for (uint64_t cycle = 0; !context.gotFinish(); ++cycle) {
        for (const int level : {0, 1}) {
            top->clk = level;
            if (cycle == 2) top->rst = 0;
            top->tell = tell;
            top->eval();
            wave.step();
            context.timeInc(PERIOD / 2);
        }
        tell = cycle % LOOK == 0 && std::chrono::steady_clock::now() - told >= PROGRESS;
        if (tell) told = std::chrono::steady_clock::now();
    }
    top->final();
    return 0;
}
