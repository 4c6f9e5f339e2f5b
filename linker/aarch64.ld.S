/*
 * linker/aarch64.ld.S - the image: code, constants, symbol table, data, INPUT, and behind what is loaded BSS and stacks.
 *
 * Each kind of memory begins at a page of its own, so that each can have its own permissions (boot/early/tables.c).
 * The symbol table lies behind code and constants: the second link, which fills it, moves no function.
 */
ENTRY(_start)

SECTIONS
{
    . = LOAD_ADDR;
    __text_start = .;
    .text : {
        KEEP(*(.text.boot))
        *(.text .text.*)
        . = ALIGN(4096);
    }
    __text_end = .;

    __rodata_start = .;
    .rodata : {
        *(.rodata .rodata.*)
        . = ALIGN(16);
        __preinit_array_start = .;
        KEEP(*(.preinit_array))
        __preinit_array_end = .;
        __init_array_start = .;
        KEEP(*(SORT_BY_INIT_PRIORITY(.init_array.*)))
        KEEP(*(.init_array))
        __init_array_end = .;
        __fini_array_start = .;
        KEEP(*(SORT_BY_INIT_PRIORITY(.fini_array.*)))
        KEEP(*(.fini_array))
        __fini_array_end = .;
    }
    .eh_frame : { __eh_frame_start = .; KEEP(*(.eh_frame)) }
    .symtab_bl : { KEEP(*(.symtab_bl)) }
    . = ALIGN(4096);
    __rodata_end = .;

    __data_start = .;
    .data : {
        *(.data .data.*)
        . = ALIGN(16);
        __gcov_info_start = .; /* only in a build with COVERAGE=1 is there anything */
        KEEP(*(.gcov_info))
        __gcov_info_end = .;
        . = ALIGN(16);
    }
    .tdata : { __tdata_start = .; *(.tdata .tdata.*) __tdata_end = .; }
    .tbss : { *(.tbss .tbss.*) }
    . = ALIGN(4096);
    __data_end = .;

    .input : ALIGN(4096) {
        . = SIZEOF(.input) == 0 ? . : ALIGN(0x200000);
        __input_start = .;
        KEEP(*(.input))
        . = ALIGN(4096);
    }
    __input_end = .;

    .bss (NOLOAD) : ALIGN(4096) {
        __tables_start = .; /* cleared one by one, as they are used */
        *(.bss.tables)
        __bss_start = .;
        *(.bss .bss.*)
        *(COMMON)
        . = ALIGN(0x8000);
    }

    /* A slot of 32 KiB per core: guard, emergency stack, guard, core stack (hal/aarch64/offsets.h). */
    .stacks (NOLOAD) : ALIGN(0x8000) {
        __stacks_start = .;
        . += 8 * 0x8000;
        __stacks_end = .;
    }
    . = ALIGN(4096);
    __image_end = .;
    __image_size = __image_end - LOAD_ADDR;

    /DISCARD/ : { *(.comment) *(.note .note.*) *(.ARM.attributes) }
}
