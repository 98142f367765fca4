// Fields and opcodes of an instruction, as isa.py defines them, and the kinds of the load port.
`ifndef KAL_PKG_VH
`define KAL_PKG_VH

`define KAL_OP      63:60
`define KAL_GAP     59:54
`define KAL_END     53
`define KAL_FIRST   52
`define KAL_LAST    51
`define KAL_RELU    50
`define KAL_TABLE   49:47
`define KAL_MASK    46:43
`define KAL_DST     42:37
`define KAL_A       36:31
`define KAL_B       30:25
`define KAL_N       24:20
`define KAL_ACC     19:18
`define KAL_DYNAMIC 17
`define KAL_OUT     16
`define KAL_W       15:8
`define KAL_ROW     7:0
`define KAL_FN      19:17
`define KAL_SHIFT   16:13
`define KAL_COLUMN  17

`define KAL_MVM   4'd1
`define KAL_EW    4'd2
`define KAL_ALIGN 4'd3
`define KAL_GAT   4'd4
`define KAL_LDW   4'd5
`define KAL_SCORE 4'd6

`define KAL_COPY    3'd0
`define KAL_ADD     3'd1
`define KAL_SUB     3'd2
`define KAL_MUL     3'd3
`define KAL_MAX     3'd4
`define KAL_ABSDIFF 3'd5

`define KAL_LD_PROGRAM 3'd0
`define KAL_LD_WEIGHTS 3'd1
`define KAL_LD_ROW     3'd2
`define KAL_LD_TABLE   3'd3
`define KAL_LD_ENTRY   3'd4

`endif
