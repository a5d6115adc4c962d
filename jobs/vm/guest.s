# The guest of a virtual machine for which nobody named a disk: a boot sector that says BOB-UP on
# its serial line, and again for each line that it is sent. guest.b64 is this file, assembled:
#   as guest.s -o guest.o && ld -Ttext 0x7c00 --oformat binary guest.o -o guest && base64 guest
        .code16
        .globl _start
        .set    data, 0x3f8             # of the first serial port
        .set    status, 0x3fd
        .set    received, 0x01          # a byte is there
        .set    empty, 0x20             # a byte may be sent
_start: cli
        cld
        xorw    %ax, %ax
        movw    %ax, %ds
        movw    %ax, %ss
        movw    $_start, %sp
        # The BIOS of a machine without a screen looks for keys on the serial line whenever the
        # clock ticks, and would take what is for us.
        movw    $tick, 4 * 8
        movw    %ax, 4 * 8 + 2
        sti
speak:  movw    $message, %si
next:   lodsb
        testb   %al, %al
        jz      listen
        movb    %al, %bl
full:   movw    $status, %dx
        inb     %dx, %al
        testb   $empty, %al
        jz      full
        movw    $data, %dx
        movb    %bl, %al
        outb    %al, %dx
        jmp     next
rest:   hlt                             # until the clock ticks, 18 times a second
listen: movw    $status, %dx
        inb     %dx, %al
        testb   $received, %al
        jz      rest
        movw    $data, %dx
        inb     %dx, %al
        cmpb    $'\n', %al
        jne     listen
        jmp     speak
tick:   pushw   %ax
        movb    $0x20, %al              # heard
        outb    %al, $0x20
        popw    %ax
        iret
message: .asciz "BOB-UP\r\n"
        .org    510
        .word   0xaa55                  # what a BIOS knows a boot sector by
