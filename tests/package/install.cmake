# cmake -DBUILD=... -DPREFIX=... -DMOVED=... -P install.cmake: installs BUILD to PREFIX and moves that to MOVED.
file(REMOVE_RECURSE ${PREFIX} ${MOVED})
execute_process(COMMAND ${CMAKE_COMMAND} --install ${BUILD} --prefix ${PREFIX} OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
file(RENAME ${PREFIX} ${MOVED})
execute_process(COMMAND ${MOVED}/bin/assay --version COMMAND_ERROR_IS_FATAL ANY)
